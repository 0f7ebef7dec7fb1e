/* SPDX-License-Identifier: Apache-2.0 */
/* api_call.h: one POST to the HTTP API of the running server, with the key and the address of its
 * configuration. The key comes from where the configuration says, never from the command line. */
#ifndef CLI_API_CALL_H
#define CLI_API_CALL_H

#include "api/api_key.h"
#include "base/view.h"

#define API_CALL_BODY_MAX 4096

struct api_call_request {
    const char *command; /* "revoke": whom errors are from */
    enum api_scope scope;
    const char *scope_name;
    const char *path;
    struct view body;   /* JSON */
    const char *member; /* of a good answer: only this string goes to stdout; NULL: all of it */
};
struct options;
/* The exit code of the process; the answer's body goes to stdout, or to stderr when it refuses. */
int api_call(const struct options *o, const struct api_call_request *request);

/* An id of a session from a file that others must not be able to read, or from the first line of
 * stdin ("-"); blanks around it are cut off. false: reported to stderr. */
#define API_CALL_SECRET_MAX 256
bool api_call_read_session(const char *command, const char *path,
                           char out[API_CALL_SECRET_MAX + 1]);

#endif
