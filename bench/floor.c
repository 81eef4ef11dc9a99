/* The floor under a durable, adoptable task: the forks, the syncs and the bytes of docs/performance.md, and no logic.

   floor DIRECTORY COUNT JOBS BYTES PROGRAM [ARGUMENT…]

   Runs PROGRAM COUNT times, JOBS at once, each under a guarding process that waits at a gate, syncs an attempt file
   with its directory, holds two locks, and writes *started* and the exit status durably. BYTES go to one synced file
   for each row; all rows of a turn share one sync. Prints the seconds that it took. Keep in step with floor.py. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SECTOR = 512, PRIMED = 8 << 20, MOST = 256 };

static char zeros[PRIMED];
static char **program;

static void must(int good, const char *what) {
    if (!good) { perror(what); _exit(1); }
}

static void child(int gate, int out, int tree) {
    char word;
    setpgid(0, 0);
    if (read(gate, &word, 1) != 1) _exit(0);
    int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, 0);
    dup2(out, 1);
    dup2(out, 2);
    fcntl(tree, F_SETFD, 0);
    execvp(program[0], program);
    _exit(127);
}

static void shim(int folder, int out, int gate, int status) {
    char line[128], word;
    int ended, inner[2];
    setsid();
#ifdef __linux__
    prctl(PR_SET_CHILD_SUBREAPER, 1);
#endif
    int record = openat(folder, "attempt", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    must(record >= 0 && write(record, zeros, 2 * SECTOR) == 2 * SECTOR, "attempt");
    fsync(record);
    fsync(folder);
    int own = openat(folder, "shim.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int tree = openat(folder, "tree.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    must(flock(own, LOCK_EX) == 0 && flock(tree, LOCK_EX) == 0, "lock");
    int length = snprintf(line, sizeof line, "ready pid=%d start=0 boot=0 namespace=0\n", getpid());
    must(write(status, line, length) == length, "status");
    if (read(gate, &word, 1) != 1) _exit(0);
    must(pipe2(inner, O_CLOEXEC) == 0, "pipe");
    pid_t pid = fork();
    must(pid >= 0, "fork");
    if (pid == 0) {
        close(inner[1]);
        child(inner[0], out, tree);
    }
    must(pwrite(record, zeros, SECTOR, SECTOR) == SECTOR && fdatasync(record) == 0, "started");
    must(write(inner[1], "G", 1) == 1, "inner gate");
    must(waitpid(pid, &ended, 0) == pid, "wait");
    must(pwrite(record, zeros, SECTOR, 0) == SECTOR && fdatasync(record) == 0, "exit");
    must(write(status, zeros, SECTOR) == SECTOR, "status");
    _exit(ended != 0);
}

struct attempt { int gate, status, folder, out, theirs[2]; pid_t pid; };

static struct attempt prepare(int attempts, int logs, int number) {
    char name[32];
    int gate[2], status[2];
    struct attempt made;
    must(pipe2(gate, O_CLOEXEC) == 0 && pipe2(status, O_CLOEXEC) == 0, "pipe");
    snprintf(name, sizeof name, "task-%d.log", number);
    int out = openat(logs, name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    snprintf(name, sizeof name, "task-%d.1", number);
    must(out >= 0 && mkdirat(attempts, name, 0700) == 0, "attempt");
    made.folder = openat(attempts, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    made.out = out;
    made.gate = gate[1];
    made.status = status[0];
    made.theirs[0] = gate[0];
    made.theirs[1] = status[1];
    return made;
}

static void spawn(struct attempt *made) {
    made->pid = fork();
    must(made->pid >= 0, "fork");
    if (made->pid == 0) {
        close(made->gate);
        close(made->status);
        shim(made->folder, made->out, made->theirs[0], made->theirs[1]);
    }
    close(made->theirs[0]);
    close(made->theirs[1]);
    close(made->folder);
    close(made->out);
}

int main(int count_of, char **arguments) {
    must(count_of > 5, "usage: floor DIRECTORY COUNT JOBS BYTES PROGRAM…");
    must(chdir(arguments[1]) == 0 && mkdir("attempts", 0700) == 0 && mkdir("logs", 0700) == 0, arguments[1]);
    int count = atoi(arguments[2]), jobs = atoi(arguments[3]), bytes = atoi(arguments[4]);
    program = arguments + 5;
    must(jobs > 0 && jobs <= MOST && bytes >= 0 && bytes < 100000, "jobs, bytes");
    int attempts = open("attempts", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int logs = open("logs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rows = open("rows", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    must(write(rows, zeros, PRIMED) == PRIMED && fsync(rows) == 0, "rows");
    memset(zeros, 0, sizeof zeros);

    struct attempt running[MOST];
    struct pollfd waiting[MOST];
    struct timespec begin, end;
    char heard[1024];
    off_t at = 0;
    int begun = 0;
    unsigned live = 0;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (;;) {
        int turn = 0, go[MOST], going = 0;
        if (live) {
            for (unsigned i = 0; i < live; i++) waiting[i] = (struct pollfd){running[i].status, POLLIN, 0};
            must(poll(waiting, (nfds_t)live, -1) > 0, "poll");
            for (unsigned i = live; i-- > 0;) {
                if (!waiting[i].revents) continue;
                ssize_t got = read(running[i].status, heard, sizeof heard);
                if (got > 0 && running[i].gate >= 0) {
                    go[going++] = running[i].gate;
                    running[i].gate = -1;
                    turn++;
                } else if (got == 0) {
                    close(running[i].status);
                    waitpid(running[i].pid, NULL, 0);
                    memmove(running + i, running + i + 1, (live - i - 1) * sizeof *running);
                    live--;
                    turn++;
                }
            }
        }
        int fresh = jobs - (int)live < count - begun ? jobs - (int)live : count - begun;
        turn += fresh;
        if (turn) {
            if (at + (off_t)turn * bytes > PRIMED) at = 0;
            must(pwrite(rows, zeros, (size_t)turn * bytes, at) == (ssize_t)turn * bytes && fdatasync(rows) == 0, "rows");
            at += (off_t)turn * bytes;
        }
        for (int i = 0; i < going; i++) {
            must(write(go[i], "G", 1) == 1, "gate");
            close(go[i]);
        }
        for (int i = 0; i < fresh; i++) running[live + i] = prepare(attempts, logs, begun++);
        if (fresh) fsync(attempts);
        for (int i = 0; i < fresh; i++) spawn(running + live++);
        if (!live) break;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("%.6f\n", (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9);
    return 0;
}
