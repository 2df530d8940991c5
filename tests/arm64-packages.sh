#!/bin/sh
# Fetches Debian's arm64 packages of the image libraries and unpacks them into a directory; the system's own packages are left alone.
# usage: tests/arm64-packages.sh DIRECTORY      They are then in DIRECTORY/root.
set -e
mkdir -p "${1:?usage: tests/arm64-packages.sh DIRECTORY}"
cd "$1"
[ -e complete ] && exit 0
mkdir -p lists/partial cache/archives/partial root
echo "fetching arm64 packages of libpng, libjpeg and zlib into $1"
fetch() {
  apt-get -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User="$(id -un)" -o Dir::State="$PWD" \
    -o Dir::State::lists="$PWD/lists" -o Dir::State::status=/dev/null -o Dir::Cache="$PWD/cache" -o Debug::NoLocking=1 "$@" >log 2>&1 ||
    { cat log >&2; exit 1; }
}
fetch update
fetch download libpng-dev libpng16-16 libjpeg62-turbo-dev libjpeg62-turbo zlib1g-dev zlib1g
for package in *.deb; do dpkg-deb -x "$package" root; done
# zlib lies in /lib, and its link to there would lead out of the directory.
cp -a root/lib/aarch64-linux-gnu/. root/usr/lib/aarch64-linux-gnu/
ln -sf libz.so.1 root/usr/lib/aarch64-linux-gnu/libz.so
rm -rf lists cache ./*.deb log
: >complete
