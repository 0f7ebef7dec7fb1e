/* SPDX-License-Identifier: Apache-2.0 */
/* audit_log.h: the chain of an event log, checked. */
#ifndef CLI_AUDIT_LOG_H
#define CLI_AUDIT_LOG_H

/* The command line from `verify-log` on. The exit code of the process. */
int audit_verify_log(int argc, char **argv);

#endif
