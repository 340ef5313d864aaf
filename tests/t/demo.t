#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
cd "$(dirname "$0")/../.." && exec tests/t/suite demo sh -c 'tests/demo/run; r=$?; tests/demo/extending && exit $r'
