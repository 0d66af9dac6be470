#!/bin/sh
echo "$# $1 $2"
echo "of $(basename "$PWD")" >&2
exit 4
