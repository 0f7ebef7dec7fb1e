/* SPDX-License-Identifier: Apache-2.0 */
/* options_rows.c: the whole file as rows, in the order in which they are read (roles before the
 * rows that name them), and the sections that hold plain numbers. */
#include <pwd.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "server/options_limits_load.h"
#include "server/options_messages.h"

#define WORKERS_MAX 64
#define SECOND_MS   ((uint64_t)1000)
#define MINUTE_MS   (60 * SECOND_MS)
#define KIB         ((uint64_t)1024)
#define MIB         (1024 * KIB)
#define RATE_MAX    ((uint64_t)1000000000)

#define COUNT(key, field, least, most, usual, text)                                                \
    {                                                                                              \
        .name = key, .type = OPTION_COUNT, .offset = offsetof(struct loading, o.limits.field),     \
        .min = (least), .max = (most), .fallback = (usual), .help = (text)                         \
    }
#define BYTES(key, field, least, most, usual, text)                                                \
    {                                                                                              \
        .name = key, .type = OPTION_BYTES, .offset = offsetof(struct loading, o.limits.field),     \
        .min = (least), .max = (most), .fallback = (usual), .help = (text)                         \
    }
#define TIME(key, field, least, most, usual, text)                                                 \
    {                                                                                              \
        .name = key, .type = OPTION_MS, .offset = offsetof(struct loading, o.field),               \
        .min = (least), .max = (most), .fallback = (usual), .help = (text)                         \
    }

static int read_workers(struct node *value, void *target, struct problems *problems)
{
    struct loading *l = target;
    cpu_set_t cpus;

    if (value->type != NODE_SCALAR || !view_eq(value->text, VIEW("auto")))
        return option_count(value, 1, WORKERS_MAX, &l->o.workers, problems) ? OK : E_INVALID;
    l->o.workers = 1;
    if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0 && CPU_COUNT(&cpus) > 0)
        l->o.workers = (uint64_t)CPU_COUNT(&cpus);
    if (l->o.workers > WORKERS_MAX)
        l->o.workers = WORKERS_MAX;
    return OK;
}

static int read_user(struct node *value, void *target, struct problems *problems)
{
    struct loading *l = target;

    if (!option_text(value, &l->o.user, problems))
        return E_INVALID;
    if (getpwnam(l->o.user) != NULL)
        return OK;
    problems_add(problems, value->line, value->column, "this machine has no user `%s`",
                 problem_word(value->text).text);
    return E_INVALID;
}

static int read_state_dir(struct node *value, void *target, struct problems *problems)
{
    struct loading *l = target;
    char *written = NULL;

    if (!option_text(value, &written, problems))
        return E_INVALID;
    l->o.state_dir = options_path(l, written, value, problems);
    free(written);
    return OK;
}

const struct option options_server_rows[] = {
    {.name = "workers",
     .type = OPTION_CUSTOM,
     .custom = read_workers,
     .fallback = "auto",
     .help = "threads that serve connections: auto (one a core) or 1 to 64"},
    TIME("drain", drain_ms, 0, 60 * MINUTE_MS, "30s",
         "how long a stop may take to let connections go"),
    {.name = "state_dir",
     .type = OPTION_CUSTOM,
     .custom = read_state_dir,
     .fallback = "./state",
     .help = "folder for what must outlive the process"},
    {.name = "user",
     .type = OPTION_CUSTOM,
     .custom = read_user,
     .help = "user to become when started as root"},
    {0},
};

static const struct option connections_rows[] = {
    COUNT("total", connections_total, 1, 10000000, "10000", "open connections in all; above: 503"),
    COUNT("per_ip", connections_per_ip, 1, 10000000, "100",
          "open connections of one address (IPv6: one /64); above: 429"),
    COUNT("per_user", connections_per_user, 1, 10000000, NULL,
          "open connections of one user; above: the newest is closed with 1008; absent: as many as "
          "per_ip"),
    {0},
};
static const struct option handshakes_rows[] = {
    COUNT("per_second", handshakes_per_second, 1, RATE_MAX, NULL,
          "new connections of one address; absent: half of connections.per_ip, at least 10"),
    COUNT("burst", handshakes_burst, 1, RATE_MAX, NULL,
          "of those at once; absent: twice connections.per_ip, at least 20"),
    COUNT("tls_at_once", tls_handshakes, 1, 1000000, "2000",
          "TLS handshakes under way, per worker"),
    {0},
};
static const struct option messages_rows[] = {
    COUNT("per_minute", messages_per_minute, 1, RATE_MAX, "60",
          "messages of one connection, and of one user"),
    COUNT("per_hour", messages_per_hour, 1, 60 * RATE_MAX, "1000",
          "messages of one connection, and of one user"),
    {0},
};
static const struct option control_frames_rows[] = {
    COUNT("per_minute", control_frames_per_minute, 1, RATE_MAX, "600",
          "pings, pongs and closes of one connection"),
    {0},
};
static const struct option subscribes_rows[] = {
    COUNT("per_minute", subscribes_per_minute, 1, RATE_MAX, NULL,
          "`subscribe` messages of one connection; absent: messages.per_minute"),
    {0},
};
static const struct option bytes_rows[] = {
    BYTES("per_second", bytes_per_second, 16 * KIB, 1024 * 1024 * MIB, NULL,
          "what is read from one connection; above: reading pauses; absent: no limit"),
    BYTES("burst", bytes_burst, 16 * KIB, 1024 * 1024 * MIB, NULL,
          "of it at once; absent: that of one second, at least one message_size"),
    {0},
};
static const struct option bans_rows[] = {
    COUNT("failures", ban_failures, 0, 1000000, "10",
          "failed logins of one address within `within` that bar it; 0: none ever"),
    TIME("within", limits.ban_within_ms, 1000, 24 * 60 * MINUTE_MS, "1m", "so long failures count"),
    TIME("first", limits.ban_first_ms, 1000, 24 * 60 * MINUTE_MS, "1m",
         "how long the first ban lasts; each further one twice as long"),
    TIME("longest", limits.ban_longest_ms, 1000, 7 * 24 * 60 * MINUTE_MS, "1h",
         "the longest ban; after so long without one the next is the first again"),
    {0},
};
static const struct option queue_rows[] = {
    BYTES("size", queue_bytes, 0, 1024 * MIB, NULL,
          "waiting for one slow reader; absent: 256KiB, at least 2 * message_size"),
    TIME("stall", limits.queue_stall_ms, 10, 10 * MINUTE_MS, "5s",
         "how long a reader may take nothing at all"),
    {0},
};
static const struct option history_rows[] = {
    BYTES("size", history_bytes, KIB, 1024 * 1024 * MIB, "64MiB",
          "kept messages of all channels; above: the channel used least recently is forgotten"),
    BYTES("channel_size", history_channel_bytes, KIB, 1024 * 1024 * MIB, "1MiB",
          "kept messages of one channel; above: its oldest go"),
    {0},
};
static const struct option presence_rows[] = {
    COUNT("users", presence_users, 1, 10000000, "100000",
          "users in channels with presence, each counted in every channel"),
    COUNT("list", presence_list, 1, 1000, "100", "users named in one answer"),
    {0},
};
const struct option options_limits_rows[] = {
    {.name = "connections", .type = OPTION_SECTION, .children = connections_rows},
    {.name = "handshakes", .type = OPTION_SECTION, .children = handshakes_rows},
    {.name = "messages", .type = OPTION_SECTION, .children = messages_rows},
    {.name = "control_frames", .type = OPTION_SECTION, .children = control_frames_rows},
    {.name = "subscribes", .type = OPTION_SECTION, .children = subscribes_rows},
    {.name = "bytes", .type = OPTION_SECTION, .children = bytes_rows},
    {.name = "bans", .type = OPTION_SECTION, .children = bans_rows},
    BYTES("message_size", message_bytes, 16, 64 * MIB, "64KiB",
          "one message, after decompression; above: close 1009"),
    COUNT("fragments", fragments, 1, 1000000, "1024", "frames of one message"),
    TIME("assembly", limits.assembly_ms, 10, 10 * MINUTE_MS, "30s",
         "first byte of a message to its last"),
    COUNT("subscriptions", subscriptions, 1, 100000, "100", "channels of one connection"),
    COUNT("channels", channels, 1, 10000000, "100000", "channels with a subscriber, of one worker"),
    COUNT("users", users, 1, 10000000, "100000", "users whose message counts are remembered"),
    {.name = "queue", .type = OPTION_SECTION, .children = queue_rows},
    BYTES("memory", memory_bytes, 16 * MIB, 1024 * 1024 * MIB, "512MiB",
          "what all connections together make the process keep; from 4/5 of it on: 503 for new "
          "ones; above: 1013 for who grows"),
    {.name = "history", .type = OPTION_SECTION, .children = history_rows},
    {.name = "presence", .type = OPTION_SECTION, .children = presence_rows},
    {.name = "roles",
     .type = OPTION_CUSTOM,
     .custom = options_read_role_limits,
     .children = options_role_limits_rows,
     .is_map = true,
     .help = "numbers of a role, before those of routes, listeners and all; of several roles of a "
             "user the most generous"},
    {.name = "observe",
     .type = OPTION_CUSTOM,
     .custom = options_read_observe,
     .help = "all, or [connections.per_ip, connections.per_user, connections.per_listener, "
             "connections.per_route, handshakes, bans, messages, control_frames, subscribes, "
             "bytes]: counted and logged (limit_observed), but not "
             "enforced"},
    {0},
};
const struct option options_timeouts_rows[] = {
    TIME("tls", timeouts.tls_ms, 10, 10 * MINUTE_MS, "5s",
         "accept to the end of the TLS handshake"),
    TIME("header", timeouts.header_ms, 10, 10 * MINUTE_MS, "5s",
         "until the request head is complete"),
    TIME("ping", timeouts.ping_ms, 10, 60 * MINUTE_MS, "25s", "between the pings we send"),
    TIME("pong", timeouts.pong_ms, 10, 10 * MINUTE_MS, "10s", "until the answer to a ping"),
    TIME("close", timeouts.close_ms, 10, MINUTE_MS, "2s", "until the answer to a Close"),
    {0},
};
const struct option options_compression_rows[] = {
    {.name = "enabled",
     .type = OPTION_BOOL,
     .offset = offsetof(struct loading, o.deflate.is_enabled),
     .fallback = "false",
     .help = "permessage-deflate (RFC 7692)"},
    {.name = "context_takeover",
     .type = OPTION_BOOL,
     .offset = offsetof(struct loading, o.deflate.allows_context_takeover),
     .fallback = "false",
     .help = "compress across messages: smaller, but memory per connection"},
    {.name = "window_bits",
     .type = OPTION_COUNT,
     .offset = offsetof(struct loading, window_bits),
     .min = 9,
     .max = 15,
     .fallback = "15",
     .help = "9 to 15"},
    {.name = "level",
     .type = OPTION_COUNT,
     .offset = offsetof(struct loading, level),
     .min = 1,
     .max = 9,
     .fallback = "6",
     .help = "1 (fast) to 9 (small)"},
    {0},
};
const struct option options_rows[] = {
    {.name = "server", .type = OPTION_SECTION, .children = options_server_rows},
    {.name = "insecure_plaintext",
     .type = OPTION_BOOL,
     .offset = offsetof(struct loading, insecure_plaintext),
     .fallback = "false",
     .help = "the same as at each listener"},
    {.name = "listen",
     .type = OPTION_CUSTOM,
     .custom = options_read_listen,
     .children = options_listener_rows,
     .help = "where to listen; required"},
    {.name = "internal", .type = OPTION_SECTION, .children = options_internal_rows},
    {.name = "hosts",
     .type = OPTION_CUSTOM,
     .custom = options_read_hosts,
     .help =
         "[names] a request may ask for; absent: those in the certificates, or this machine's own"},
    {.name = "origins",
     .type = OPTION_CUSTOM,
     .custom = options_read_origins,
     .help = "[https://example.com, \"https://*.example.com\"]: pages that browsers may come from; "
             "absent: none"},
    {.name = "roles",
     .type = OPTION_CUSTOM,
     .custom = options_read_roles,
     .fallback = "{guest: [read], user: [read, write], moderator: [read, write, moderate], "
                 "admin: [read, write, moderate, admin]}",
     .help = "a role's permissions: read, write, moderate, admin"},
    {.name = "auth", .type = OPTION_SECTION, .children = options_auth_rows},
    {.name = "channels",
     .type = OPTION_CUSTOM,
     .custom = options_read_channels,
     .children = options_channel_rows,
     .help = "channels that exist; others are refused"},
    {.name = "messages",
     .type = OPTION_CUSTOM,
     .custom = options_read_messages,
     .children = options_message_rows,
     .is_map = true,
     .help = "message types by name, and what they must be; others but the built-in ones are "
             "refused"},
    {.name = "messages_by",
     .type = OPTION_CUSTOM,
     .custom = options_read_messages_by,
     .help = "JSON pointer to the member that names the type; absent: /type"},
    {.name = "injection_engine", .type = OPTION_SECTION, .children = options_injection_rows},
    {.name = "limits", .type = OPTION_SECTION, .children = options_limits_rows},
    {.name = "timeouts", .type = OPTION_SECTION, .children = options_timeouts_rows},
    {.name = "compression", .type = OPTION_SECTION, .children = options_compression_rows},
    {.name = "log", .type = OPTION_SECTION, .children = options_log_rows},
    {.name = "routes",
     .type = OPTION_CUSTOM,
     .custom = options_read_routes,
     .children = options_route_rows,
     .help = "absent: one channels route at /ws"},
    {0},
};

static uint64_t at_least(uint64_t value, uint64_t floor)
{
    return value > floor ? value : floor;
}

/* Else one channel could never be kept whole, and would throw out all others for it. */
static void finish_history(struct limit_options *limits, struct node *root,
                           struct problems *problems)
{
    struct node *history = node_member(node_member(root, "limits"), "history");
    struct node *place = node_member(history, "channel_size");

    if (limits->history_channel_bytes <= limits->history_bytes)
        return;
    if (place != NULL)
        problems_add(problems, place->line, place->column,
                     "`channel_size`: one channel cannot keep more than all together (size)");
    else
        limits->history_channel_bytes = limits->history_bytes;
}

void options_finish_limits(struct loading *l, struct node *root, struct problems *problems)
{
    struct limit_options *limits = &l->o.limits;
    struct node *size = node_member(node_member(node_member(root, "limits"), "queue"), "size");

    if (limits->handshakes_per_second == 0)
        limits->handshakes_per_second = at_least(limits->connections_per_ip / 2, 10);
    if (limits->handshakes_burst == 0)
        limits->handshakes_burst = at_least(2 * limits->connections_per_ip, 20);
    if (limits->connections_per_user == 0)
        limits->connections_per_user = limits->connections_per_ip;
    options_finish_own_limits(l, problems);
    if (limits->subscribes_per_minute == 0)
        limits->subscribes_per_minute = limits->messages_per_minute;
    if (limits->bytes_burst == 0)
        limits->bytes_burst = at_least(limits->bytes_per_second, limits->message_bytes);
    if (size == NULL)
        limits->queue_bytes = at_least(2 * limits->message_bytes_max, 256 * KIB);
    else if (limits->queue_bytes < limits->message_bytes_max)
        problems_add(problems, size->line, size->column,
                     "`size`: a queue must have room for one message (message_size)");
    finish_history(limits, root, problems);
    l->o.deflate.max_window_bits = (uint8_t)l->window_bits;
    l->o.deflate.level = (uint8_t)l->level;
}
