/* The process that keeps a pod's namespaces, and process 1 of a node in make
 * kube: it waits, and reaps whoever was left to it. */
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

static void on_end(int number)
{
    (void)number;
    _exit(0);
}

static void on_child(int number)
{
    (void)number;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
}

int main(void)
{
    signal(SIGINT, on_end);
    signal(SIGTERM, on_end);
    signal(SIGCHLD, on_child);
    for (;;)
        pause();
}
