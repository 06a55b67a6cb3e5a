/**
 * Tells what the operating system refused from a fault of ours: only the first may be answered with words or passed over. A handler that asks
 * here lets a TypeError of our own through, with its stack.
 */

/** Whether the error is one of a system call, such as ENOENT from the file system or ESRCH from kill. */
export function isSystemError(
  error: unknown,
): error is NodeJS.ErrnoException & { readonly code: string; readonly syscall: string } {
  return error instanceof Error && "syscall" in error && "code" in error;
}
