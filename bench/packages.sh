# SPDX-License-Identifier: Apache-2.0
# Sourced by bench/quickstart.sh and tests/run.sh: installs what is missing.

# install_missing yes|no PACKAGE...: says, and with "yes" runs, the package manager's command for the
# Debian packages that are not installed; as root or through sudo.
install_missing() {
    run=$1
    shift
    if ! command -v dpkg-query > /dev/null; then
        echo "This is not Debian or Ubuntu. Needed, by Debian's names: $*"
        return 0
    fi
    missing=
    for package in "$@"; do
        case $(dpkg-query -W -f '${Status}' "$package" 2> /dev/null) in
            "install ok installed") ;;
            *) missing="$missing $package" ;;
        esac
    done
    [ -n "$missing" ] || return 0
    as_root=
    if [ "$(id -u)" != 0 ]; then
        as_root=sudo
    fi
    echo "Missing:$missing"
    echo "+ $as_root apt-get update && $as_root apt-get install -y --no-install-recommends$missing"
    [ "$run" = yes ] || return 0
    if [ -n "$as_root" ] && ! command -v sudo > /dev/null; then
        echo "Not root, and there is no sudo: run that command yourself." >&2
        return 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    $as_root apt-get update -q || return 1
    # shellcheck disable=SC2086 # one word a package
    $as_root apt-get install -y -q --no-install-recommends $missing
}
