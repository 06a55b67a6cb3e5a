/*
 * The template and what it says to its host (see template.h).
 *
 *   template  one packet, 0 or 1 bytes of no meaning, when it is ready
 *   host      struct order: fork a worker
 *   template  its id (pid_t), then, when it has ended, struct lockstep_worker_end
 *   host      in between, or after: an order of no programs, to kill that worker
 *
 * A template ends with its host, and a worker with its template: each is killed when its parent dies. What a worker
 * leaves behind becomes the template's child where the system has subreapers, and is killed by it.
 */
#include "template.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control.h"
#include "process.h"

#include "must.h"

struct order {
  uint32_t at_words;
  uint32_t count;
};

/* One packet of that size; false when the other end is gone. */
static bool send_packet(int socket, const void *packet, size_t bytes) {
  ssize_t sent;
  do sent = send(socket, packet, bytes, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent == (ssize_t)bytes;
}

static bool receive_packet(int socket, void *packet, size_t bytes) {
  ssize_t received;
  do received = recv(socket, packet, bytes, 0);
  while (received < 0 && errno == EINTR);
  return received == (ssize_t)bytes;
}

/* ---- in the template ---- */

static void on_child(int number) { (void)number; }

/* Waits for the worker, kills it when the host says so or is gone, and kills what it has left. */
static struct lockstep_worker_end wait_for(pid_t pid, int socket, bool is_subreaper, int output_fd) {
  struct lockstep_worker_end end = {0};
  struct pollfd awaited = {.fd = socket, .events = POLLIN};
  sigset_t but_child;
  sigfillset(&but_child);
  sigdelset(&but_child, SIGCHLD);
  while (waitpid(pid, &end.status, WNOHANG) == 0) {
    if (ppoll(&awaited, 1, NULL, &but_child) <= 0) continue;
    struct order order;
    if (!receive_packet(socket, &order, sizeof order)) awaited.fd = -1;
    kill(pid, SIGKILL); /* not reaped yet, so the id is its own */
  }
  end.had_strays = lockstep_kill_strays(pid);
  if (!is_subreaper) end.had_strays |= lockstep_kill_holders(output_fd, pid);
  return end;
}

/*
 * Forks workers until the host is gone. No signal is let in meanwhile but a child's, which does nothing: a worker may
 * signal its parent. A fork begins with the dispositions that a worker has, and opens its mask.
 */
static _Noreturn void serve(const struct lockstep_worker *worker, int socket, bool is_subreaper) {
  sigset_t all;
  sigset_t open;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &open);
  signal(SIGCHLD, on_child);
  if (!send_packet(socket, "r", 1)) _exit(0);
  for (struct order order; receive_packet(socket, &order, sizeof order);) {
    if (order.count == 0) continue; /* the worker was quicker */
    const pid_t pid = lockstep_worker_fork();
    LOCKSTEP_MUST(pid >= 0, "cannot fork a worker");
    if (pid == 0) {
      close(socket);
      signal(SIGCHLD, SIG_DFL);
      sigprocmask(SIG_SETMASK, &open, NULL);
      lockstep_worker_run(worker, order.at_words, order.count);
    }
    send_packet(socket, &pid, sizeof pid);
    const struct lockstep_worker_end end = wait_for(pid, socket, is_subreaper, worker->output->fd);
    send_packet(socket, &end, sizeof end);
  }
  _exit(0);
}

/* ---- in the host ---- */

bool lockstep_template_start(struct lockstep_template *template, const struct lockstep_worker *worker,
                             uint32_t warm_up_programs) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return false;
  const pid_t pid = lockstep_fork_bound();
  if (pid == 0) {
    /* The host's own socket has this number. A worker closes it, and a runtime may be given it then. */
    LOCKSTEP_MUST(dup2(ends[1], LOCKSTEP_CONTROL_FD) >= 0, "cannot keep a template's socket");
    const bool is_subreaper = prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0;
    lockstep_worker_become(worker, LOCKSTEP_CONTROL_FD + 1);
    if (warm_up_programs > 0) lockstep_worker_warm_up(worker, warm_up_programs);
    serve(worker, LOCKSTEP_CONTROL_FD, is_subreaper);
  }
  close(ends[1]);
  if (pid < 0) {
    close(ends[0]);
    return false;
  }
  *template = (struct lockstep_template){.pid = pid, .socket = ends[0]};
  return true;
}

bool lockstep_template_is_ready(const struct lockstep_template *template) {
  char ready;
  return receive_packet(template->socket, &ready, sizeof ready);
}

bool lockstep_template_order(const struct lockstep_template *template, uint32_t at_words, uint32_t count) {
  const struct order order = {at_words, count};
  return send_packet(template->socket, &order, sizeof order);
}

pid_t lockstep_template_read_worker(const struct lockstep_template *template) {
  pid_t pid;
  return receive_packet(template->socket, &pid, sizeof pid) ? pid : -1;
}

void lockstep_template_kill_worker(const struct lockstep_template *template) {
  (void)lockstep_template_order(template, 0, 0); /* a dead template's worker is dead too */
}

void lockstep_template_resume(const struct lockstep_template *template) {
  siginfo_t stop = {0};
  if (waitid(P_PID, (id_t)template->pid, &stop, WSTOPPED | WNOHANG) == 0 && stop.si_pid == template->pid)
    kill(template->pid, SIGCONT);
}

bool lockstep_template_read_end(const struct lockstep_template *template, struct lockstep_worker_end *end) {
  return receive_packet(template->socket, end, sizeof *end);
}

void lockstep_template_end(struct lockstep_template *template) {
  if (template->pid == 0) return;
  close(template->socket);
  kill(template->pid, SIGKILL);
  while (waitpid(template->pid, NULL, 0) < 0 && errno == EINTR) continue;
  *template = (struct lockstep_template){0};
}
