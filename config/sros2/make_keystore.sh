#!/usr/bin/env bash
# Makes an SROS2 keystore for the suite: keys and signed permissions for every process in policy.xml, and no others.
#
#   make_keystore.sh KEYSTORE [POLICY]
#
# KEYSTORE  folder to make. One that is there is refused: permissions once signed stay valid, so a changed policy needs
#           new keys, not only new permissions.
# POLICY    the policy; default: policy.xml beside this script. For a session in a namespace, make one with
#           `telesurgery graph` and its options --sros2 and --namespace.
#
# The permissions hold in one ROS domain only: the one in ROS_DOMAIN_ID, which has to be set.
#
# NOT TESTED with security switched on: that needs a Fast DDS with its security plugins, which ROS 2's Debian packages
# have and its Python wheels lack. Try the keystore with all nodes before you rely on it.
set -euo pipefail
umask 077

die() {
  printf 'make_keystore.sh: %s\n' "$1" >&2
  exit "${2:-1}"
}

[[ $# -eq 1 || $# -eq 2 ]] || die "usage: make_keystore.sh KEYSTORE [POLICY]" 2
keystore=$1
policy=${2:-$(dirname -- "${BASH_SOURCE[0]}")/policy.xml}

[[ -f $policy ]] || die "$policy: no such file" 2
[[ ! -e $keystore ]] || die "$keystore: is there already; give a new folder, and take the old one out of use" 2
[[ ${ROS_DOMAIN_ID:-} =~ ^[0-9]+$ ]] || die "ROS_DOMAIN_ID: set it to the number of the session's ROS domain" 2
mapfile -t enclaves < <(sed -n 's/.*<enclave path="\([^"]*\)".*/\1/p' "$policy")
((${#enclaves[@]} > 0)) || die "$policy: names no enclave" 2
! grep -q '\*' "$policy" || die "$policy: has a wildcard; every topic and service needs its full name" 2
command -v ros2 >/dev/null || die "ros2: not found; source the setup script of ROS 2 first" 3
ros2 security --help >/dev/null 2>&1 || die "ros2 security: not found; install ros-\$ROS_DISTRO-sros2" 3

# A new enclave may do everything until its own permissions are signed: what is not finished must not stay.
trap 'rm -rf -- "$keystore"; die "stopped half way; $keystore is removed again"' ERR INT TERM

ros2 security create_keystore "$keystore"
for enclave in "${enclaves[@]}"; do
  ros2 security create_enclave "$keystore" "$enclave"
  ros2 security create_permission "$keystore" "$enclave" "$policy"
  if grep -q '\*' "$keystore/enclaves$enclave/permissions.xml"; then
    printf '%s: its permissions still hold a wildcard\n' "$enclave" >&2
    false
  fi
done
trap - ERR INT TERM

cat <<TEXT
${#enclaves[@]} enclaves in $keystore, for ROS domain $ROS_DOMAIN_ID.
Move $keystore/private (the keys that sign) to a place that no robot or console reaches.
Give each computer only the folders of $keystore/enclaves that its nodes need, and there set:
  export ROS_SECURITY_KEYSTORE=$keystore ROS_SECURITY_ENABLE=true ROS_SECURITY_STRATEGY=Enforce
TEXT
