# For builds against the ROS wheels of PyPI; passed as CMAKE_PROJECT_INCLUDE.
#
# The imported targets of the wheels carry include folders of the machine that built the wheels (/opt/python/...).
# CMake refuses targets whose include folders do not exist. So once a project is configured, drop those that are
# not here. A ROS installation from Debian packages does not need this file.

function(telesurgery_drop_missing_include_folders)
  get_property(targets DIRECTORY PROPERTY IMPORTED_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(folders ${target} INTERFACE_INCLUDE_DIRECTORIES)
    if(folders)
      set(present "")
      foreach(folder IN LISTS folders)
        if(folder MATCHES "\\$<" OR EXISTS "${folder}")
          list(APPEND present "${folder}")
        endif()
      endforeach()
      set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${present}")
    endif()
  endforeach()
endfunction()

if(NOT TELESURGERY_WHEEL_TARGETS)
  set(TELESURGERY_WHEEL_TARGETS TRUE)
  cmake_language(DEFER DIRECTORY "${CMAKE_SOURCE_DIR}" CALL telesurgery_drop_missing_include_folders)
endif()
