#!/bin/sh
# native-check.sh: builds the native scheduler and runs test/native/runtime-smoke*.c against it in every way that this
# machine can: as it is, with mprotect guards, with large pages, under AddressSanitizer and UBSan, on kqueue, under valgrind, and for
# aarch64 under qemu-user. Says what it skips. Exits 1 at the first failure.
set -eu
cd "$(dirname "$0")/.."
runtime=src/native-bridge/runtime
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
flags="-std=c11 -D_GNU_SOURCE -O2 -g -fPIC -Wall -Wextra -Werror -Iinclude"

common=$(ls $runtime/*.c | grep -v /readiness_)

# build NAME CC ARCH [FLAGS] [READINESS]: $out/NAME, with its runtime in a shared library beside it.
build() {
  name=$1 cc=$2 arch=$3 extra=${4-} readiness=${5-epoll}
  case $readiness in
    epoll) system= smoke= ;;
    kqueue) system="-Isrc/native-bridge/kqueue src/native-bridge/kqueue/kqueue_on_epoll.c" smoke=-DSMOKE_KQUEUE ;;
  esac
  "$cc" $flags $extra -fvisibility=hidden -shared -o "$out/lib$name.so" \
    $common $runtime/readiness_"$readiness".c $runtime/switch_"$arch".S $system
  "$cc" $flags $extra $smoke -o "$out/$name" test/native/runtime-smoke*.c "$out/lib$name.so" "-Wl,-rpath,$out" -lm
}

arch=$(uname -m)
echo "== $arch"
build plain gcc "$arch"
"$out/plain"
echo "== $arch, guards by mprotect"
SMOKE_BLIND_MADVISE=1 "$out/plain"
echo "== $arch, as with pages of 64 KiB"
SMOKE_PAGE_BYTES=65536 "$out/plain"
echo "== $arch, AddressSanitizer and UBSan"
build sanitized gcc "$arch" "-fsanitize=address,undefined -fno-sanitize-recover=all"
"$out/sanitized" 10

echo "== $arch, kqueue over epoll"
build kqueue gcc "$arch" "" kqueue
"$out/kqueue"
echo "== $arch, kqueue over epoll, AddressSanitizer and UBSan"
build kqueue-sanitized gcc "$arch" "-fsanitize=address,undefined -fno-sanitize-recover=all" kqueue
"$out/kqueue-sanitized" 10

if command -v valgrind >/dev/null; then
  echo "== $arch, valgrind"
  annotate=
  [ -e /usr/include/valgrind/valgrind.h ] && annotate=-DLOCKSTEP_VALGRIND
  build checked gcc "$arch" "$annotate"
  SMOKE_SKIP_RLIMIT_AS=1 valgrind -q --error-exitcode=3 --leak-check=full --show-leak-kinds=definite \
    --trace-children=no "$out/checked" 100
else
  echo "== skipped: valgrind is not installed"
fi

if [ "$arch" = aarch64 ]; then
  echo "== done: this machine is the aarch64 one"
elif command -v aarch64-linux-gnu-gcc >/dev/null && command -v qemu-aarch64 >/dev/null; then
  echo "== aarch64 under qemu-user"
  build emulated aarch64-linux-gnu-gcc aarch64
  SMOKE_SKIP_RLIMIT_AS=1 qemu-aarch64 -L /usr/aarch64-linux-gnu "$out/emulated" "${QEMU_SCALE-1}"
else
  echo "== skipped: aarch64 needs gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user"
fi
