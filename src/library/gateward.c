/* SPDX-License-Identifier: Apache-2.0 */
/* gateward.c: the public C API, a thin door to server/. Here: copying texts in and out, and turning
 * our status codes into those of the header. Not here: anything that serves. */
#include "gateward.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/status.h"
#include "base/view.h"
#include "config/problems.h"
#include "server/options.h"
#include "server/server.h"

struct gw_server {
    struct server *server;
};

static int public_status(int rc)
{
    switch (rc) {
    case 0:
        return GW_OK;
    case E_INVALID:
        return GW_INVALID;
    case E_FULL:
        return GW_BUSY;
    default:
        return GW_ERROR;
    }
}

static void tell(char *why, size_t why_bytes, const char *text)
{
    if (why != NULL && why_bytes > 0)
        (void)snprintf(why, why_bytes, "%s", text);
}

/* problems_print writes to a stream; this one writes into the caller's memory, cut where it is
 * full. */
static void tell_problems(char *why, size_t why_bytes, struct problems *problems)
{
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *memory = open_memstream(&text, &text_bytes);

    if (memory == NULL) {
        tell(why, why_bytes, "out of memory");
        return;
    }
    problems_print(problems, memory);
    if (fclose(memory) == 0)
        tell(why, why_bytes, text);
    free(text);
}

const char *gw_version(void)
{
    return GATEWARD_VERSION;
}

int gw_server_open(gw_server **server, const char *config_path, char *why, size_t why_bytes)
{
    struct gw_server *made = NULL;
    struct options *options = NULL;
    struct problems problems;
    struct error fault = {.text = ""};
    int rc = GW_INVALID;

    tell(why, why_bytes, "");
    if (server == NULL || config_path == NULL) {
        tell(why, why_bytes, "server and config_path must not be NULL");
        return GW_INVALID;
    }
    problems_init(&problems, config_path);
    if (options_load(&options, config_path, &problems) != 0) {
        tell_problems(why, why_bytes, &problems);
        goto done;
    }
    made = calloc(1, sizeof(*made));
    if (made == NULL) {
        tell(why, why_bytes, "out of memory");
        rc = GW_ERROR;
        goto done;
    }
    rc = public_status(server_open(&made->server, options, &fault));
    if (rc != GW_OK) {
        tell(why, why_bytes, fault.text);
        goto done;
    }
    options = NULL; /* the server's now */
    *server = made;
    made = NULL;
done:
    free(made);
    options_free(options);
    problems_clear(&problems);
    return rc;
}

uint16_t gw_server_port(const gw_server *server, unsigned index)
{
    return server == NULL ? 0 : server_port(server->server, index);
}

int gw_server_run(gw_server *server)
{
    return server == NULL ? GW_INVALID : public_status(server_run(server->server));
}

void gw_server_drain(gw_server *server)
{
    if (server != NULL)
        server_drain(server->server);
}

int gw_server_publish(gw_server *server, const char *channel, const char *json, size_t json_bytes)
{
    if (server == NULL || channel == NULL || json == NULL)
        return GW_INVALID;
    return public_status(
        server_publish(server->server, view_of_text(channel), view_of(json, json_bytes)));
}

void gw_server_free(gw_server *server)
{
    if (server == NULL)
        return;
    server_free(server->server);
    free(server);
}
