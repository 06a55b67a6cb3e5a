/*
 * What a worker prints (see output.h).
 *
 * The memfd is kept one page long at least, filled with zeros: text that is printed makes its first byte nonzero, and
 * the offset, which host and workers share, says where it ends.
 */
#include "output.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE_BYTES = 4096, TAIL_BYTES = 64 * 1024 };

bool lockstep_output_open(struct lockstep_output *output) {
  output->fd = memfd_create("lockstep-output", MFD_CLOEXEC);
  if (output->fd < 0 || ftruncate(output->fd, PAGE_BYTES) != 0) return false;
  void *page = mmap(NULL, PAGE_BYTES, PROT_READ, MAP_SHARED, output->fd, 0);
  output->first_page = page;
  return page != MAP_FAILED;
}

void lockstep_output_clear(struct lockstep_output *output) {
  if (output->first_page[0] != 0) lockstep_output_reset(output);
}

void lockstep_output_reset(struct lockstep_output *output) {
  if (ftruncate(output->fd, 0) != 0 || ftruncate(output->fd, PAGE_BYTES) != 0) return;
  lseek(output->fd, 0, SEEK_SET);
}

size_t lockstep_output_tail(const struct lockstep_output *output, char *tail, size_t size) {
  const off_t end = lseek(output->fd, 0, SEEK_CUR);
  if (end <= 0) return 0;
  const off_t start = end > (off_t)size ? end - (off_t)size : 0;
  const ssize_t bytes = pread(output->fd, tail, (size_t)(end - start), start);
  return bytes > 0 ? (size_t)bytes : 0;
}

/* Whether a line that begins with the prefix begins at `text`, which has `bytes` bytes up to its end. */
static bool begins_with(const char *text, size_t bytes, const char *prefix) {
  const size_t prefix_bytes = strlen(prefix);
  return bytes >= prefix_bytes && memcmp(text, prefix, prefix_bytes) == 0;
}

long lockstep_output_last_line(const struct lockstep_output *output, const char *prefix, char *line, size_t size) {
  static char tail[TAIL_BYTES];
  const ssize_t bytes = (ssize_t)lockstep_output_tail(output, tail, sizeof tail);
  for (ssize_t stop = bytes, at = bytes - 1; at >= 0; at--) {
    const bool begins = at == 0 || tail[at - 1] == '\n';
    if (!begins) continue;
    if (begins_with(tail + at, (size_t)(stop - at), prefix)) {
      size_t length = (size_t)(stop - at);
      const char *newline = memchr(tail + at, '\n', length);
      if (newline) length = (size_t)(newline - (tail + at));
      if (length > size) length = size;
      memcpy(line, tail + at, length);
      return (long)length;
    }
    stop = at;
  }
  return -1;
}
