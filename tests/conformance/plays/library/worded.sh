#!/bin/sh
. "$1"
echo "{\"changed\": false, \"msg\": \"hello $name\"}"
