/* SPDX-License-Identifier: Apache-2.0 */
/* api_oversight.h: what the JSON bodies of the endpoints ask for that look over the server: bans,
 * sanctions, who is in a channel, and what was said there. Pure; views point into the JSON tree. */
#ifndef API_API_OVERSIGHT_H
#define API_API_OVERSIGHT_H

#include "api/api_control.h"

#define API_BAN_SECONDS_MAX 604800

enum api_ban_verb { API_BAN_LIST, API_BAN_ADD, API_BAN_LIFT };
struct api_ban_ask {
    enum api_ban_verb verb;
    struct ip_address
        ip; /* of a list: the one behind which the page begins, where has_after says */
    bool has_after;
    uint32_t seconds, limit;
    struct view key; /* the name of the key that asks; its caller's to fill */
};
struct api_sanctions_ask {
    struct view channel;                   /* empty: all */
    struct view after_channel, after_user; /* empty: from the first */
    uint32_t limit;
};
/* Presence and history. */
struct api_look_ask {
    struct view channel;
    struct view after; /* presence: the user behind whom the page begins */
    bool has_since;    /* history: */
    struct view epoch;
    uint64_t offset;
    uint32_t limit;
};
/* API_RESULT_OK, or what is wrong. *out is written on OK only. */
enum api_result api_ask_ban(struct api_ban_ask *out, const struct json *body,
                            enum api_ban_verb verb);
enum api_result api_ask_sanctions(struct api_sanctions_ask *out, const struct json *body);
enum api_result api_ask_presence(struct api_look_ask *out, const struct json *body);
enum api_result api_ask_history(struct api_look_ask *out, const struct json *body);

#endif
