# Installs what manifest.txt lists: import packages, executables, data files.
#
# An executable is a three-line script made from cmake/executable.py.in, so that `ros2 run` and launch files find it
# in lib/<package> without setuptools.

function(install_manifest manifest)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${manifest}")
  file(STRINGS "${manifest}" rows REGEX "^[a-z]")
  foreach(row IN LISTS rows)
    string(REGEX REPLACE "[ \t]+" ";" fields "${row}")
    list(GET fields 0 kind)
    list(GET fields 1 name)
    if(kind STREQUAL "package")
      ament_python_install_package(${name})
    elseif(kind STREQUAL "node" OR kind STREQUAL "script")
      list(GET fields 2 target)
      string(REPLACE ":" ";" target "${target}")
      list(GET target 0 EXECUTABLE_MODULE)
      list(GET target 1 EXECUTABLE_FUNCTION)
      configure_file("${CMAKE_CURRENT_SOURCE_DIR}/cmake/executable.py.in"
        "${CMAKE_CURRENT_BINARY_DIR}/executables/${name}" @ONLY)
      install(PROGRAMS "${CMAKE_CURRENT_BINARY_DIR}/executables/${name}" DESTINATION "lib/${PROJECT_NAME}")
      if(kind STREQUAL "script")
        install(PROGRAMS "${CMAKE_CURRENT_BINARY_DIR}/executables/${name}" DESTINATION bin)
      endif()
    elseif(kind STREQUAL "data")
      list(GET fields 2 destination)
      file(GLOB files CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${name}")
      if(NOT files)
        message(FATAL_ERROR "manifest.txt: no file matches '${name}'")
      endif()
      if(NOT name STREQUAL "package.xml")  # ament_package() installs that one
        install(FILES ${files} DESTINATION "share/${PROJECT_NAME}/${destination}")
      endif()
    else()
      message(FATAL_ERROR "manifest.txt: unknown kind '${kind}' in '${row}'")
    endif()
  endforeach()
endfunction()
