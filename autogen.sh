#!/bin/sh
# Makes configure from configure.ac: only needed in a git checkout.
cd "$(dirname "$0")" && mkdir -p m4 && exec autoreconf -fi
