#!/bin/sh
# Of deb, which passes "remove" or "upgrade", and rpm, which passes how many versions remain. An upgrade does not stop the service.
set -e
case "$1" in
remove | 0)
  if [ -d /run/systemd/system ]; then
    systemctl disable --now personalize-monitor.service
  fi
  ;;
esac
