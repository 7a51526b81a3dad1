/*
 * The subcommands of `overround`, but for `serve`.  Each gets the arguments
 * after its name and returns the exit code: 0 well, 1 failed, 2 usage.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

int cli_grade(int argc, char **argv);
int cli_audit(int argc, char **argv);
int cli_migrate(int argc, char **argv);
int cli_replay(int argc, char **argv);
int cli_sim(int argc, char **argv);
int cli_load(int argc, char **argv);
int cli_reference(int argc, char **argv);
int cli_operator(int argc, char **argv);
int cli_archive(int argc, char **argv);
int cli_edge(int argc, char **argv);
int cli_erase(int argc, char **argv);
int cli_object(int argc, char **argv);
int cli_backup(int argc, char **argv);
int cli_purge(int argc, char **argv);
int cli_smoke(int argc, char **argv);
int cli_sleep(int argc, char **argv);
int cli_shadow(int argc, char **argv);
int cli_verdict(int argc, char **argv); /* and 10 wait, 20 roll back */

#endif
