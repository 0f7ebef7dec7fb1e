/* SPDX-License-Identifier: Apache-2.0 */
/* What the policy of a message type costs in CPU time of one thread, inside one process: a chat
 * message of 200 bytes is parsed, its type found, judged (size, rates of user and connection,
 * permission, schema, strip), its channel filled and decided, and the frame for subscribers
 * written. The least of many rounds is printed, since whoever shares the machine can only add to
 * it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "access/decide.h"
#include "base/blob.h"
#include "base/json_out.h"
#include "base/status.h"
#include "policy/judge.h"

#define ROUNDS    400
#define PER_ROUND 2000

static const char schema_text[] =
    "{\"type\":\"object\",\"required\":[\"type\",\"content\",\"room_id\"],\"properties\":{"
    "\"type\":{\"type\":\"string\",\"enum\":[\"chat_message\"]},"
    "\"content\":{\"type\":\"string\",\"maxLength\":5000},"
    "\"room_id\":{\"type\":\"string\",\"pattern\":\"^[a-zA-Z0-9_-]{1,50}$\"}}}";

static const char plain[] =
    "{\"type\":\"chat_message\",\"room_id\":\"42\",\"content\":\"Shall we meet at the station at a "
    "quarter past nine? The early train is full of people, and the later one has a coach where one "
    "can talk. I bring the tea\"}";
static const char marked[] =
    "{\"type\":\"chat_message\",\"room_id\":\"42\",\"content\":\"Shall we <b>meet</b> at the "
    "station at "
    "a quarter past nine? The early train is full, and the later one has <script>alert(1)</script> "
    "where one can talk. Tea\"}";

struct house {
    struct arena arena, setup;
    struct access_policy access;
    struct access_rule rule;
    struct identity who;
    struct message_type type;
    struct message_policy policy;
    struct schema_scratch *scratch;
    struct user_table *users;
    struct policy_usage *usage;
    struct sanitize_rule clean;
    uint64_t now_ns, bytes;
};

static void must(bool is_good, const char *what)
{
    if (is_good)
        return;
    fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

static void house_init(struct house *h)
{
    struct schema_fault fault;
    struct json *root;
    size_t at;

    memset(h, 0, sizeof(*h));
    arena_init(&h->arena, 65536, 1 << 23);
    arena_init(&h->setup, 65536, 1 << 23);
    must(role_set_add(&h->access.roles, VIEW("user"), PERMISSION_READ | PERMISSION_WRITE) == OK,
         "role");
    must(channel_pattern_parse(&h->rule.pattern, VIEW("private:room-{room_id}"), NULL) == OK,
         "pattern");
    h->rule.needs[ACTION_PUBLISH] = PERMISSION_WRITE;
    h->rule.needs[ACTION_SUBSCRIBE] = PERMISSION_READ;
    h->access.rules = &h->rule;
    h->access.rules_count = 1;
    must(access_policy_build(&h->access) == OK, "rules");
    memcpy(h->who.user, "alice", 5);
    h->who.user_bytes = 5;
    h->who.roles = 1;
    h->type.name = (char *)(uintptr_t) "chat_message";
    h->type.permission = PERMISSION_WRITE;
    h->type.bytes_max = 4096;
    h->type.rate = (struct message_rate){true,
                                         true,
                                         true,
                                         rate_limit_make(1000000000, 60000, 1000000000),
                                         rate_limit_make(1000000000, 3600000, 1000000000),
                                         rate_limit_make(1000000000, 60000, 1000000000)};
    must(json_parse(&root, view_of_text(schema_text), NULL, &h->setup, &at) == OK &&
             schema_compile(&h->type.schema, root, NULL, &fault) == OK,
         "schema");
    h->clean = (struct sanitize_rule){VIEW("/content"), SANITIZE_STRIP};
    h->type.sanitize = &h->clean;
    h->type.sanitize_count = 1;
    h->type.publish = (char *)(uintptr_t) "private:room-{/room_id}";
    must(channel_template_parse(&h->type.channel, view_of_text(h->type.publish), NULL) == OK,
         "channel");
    h->policy.types = &h->type;
    h->policy.count = 1;
    must(message_policy_build(&h->policy) == OK, "types");
    must(schema_scratch_new(&h->scratch) == OK && message_policy_fit(&h->policy, h->scratch) == OK,
         "scratch");
    must(user_table_new(&h->users, 100, &h->type.rate.per_minute, &h->type.rate.per_hour) == OK,
         "users");
}

static void write_frame(struct house *h, const struct policy_verdict *v)
{
    uint8_t bytes[4096];
    struct wr w = wr_of(bytes, sizeof(bytes));
    struct blob *frame;

    json_out_open(&w);
    json_out_member(&w, "type", VIEW("message"));
    json_out_member(&w, "channel", view_of(v->channel.bytes, v->channel.len));
    json_out_key(&w, "data");
    wr_view(&w, v->data->text);
    json_out_key(&w, "from");
    json_out_open(&w);
    json_out_member(&w, "user", view_of(h->who.user, h->who.user_bytes));
    json_out_close(&w);
    json_out_close(&w);
    frame = blob_new((uint32_t)wr_len(&w));
    must(!w.failed && frame != NULL, "frame");
    memcpy(frame->data, bytes, wr_len(&w));
    h->bytes += frame->len;
    blob_drop(frame);
}

static void serve(struct house *h, struct view text, bool has_policy)
{
    struct access_question asked = {&h->who, VIEW("private:room-42"), ACTION_PUBLISH, 1800000000};
    struct policy_verdict v;
    struct policy_question q;
    struct json *root;
    struct view name;
    size_t at;

    arena_reset(&h->arena);
    must(json_parse(&root, text, NULL, &h->arena, &at) == OK, "parse");
    must(json_member_string(root, VIEW("type"), &name), "type");
    if (!has_policy) {
        h->bytes += name.len;
        return;
    }
    h->now_ns += 1000;
    q = (struct policy_question){.policy = &h->policy,
                                 .type = message_policy_find(&h->policy, name),
                                 .roles = &h->access.roles,
                                 .who = &h->who,
                                 .message = root,
                                 .message_bytes = text.len,
                                 .wall_s = 1800000000,
                                 .meter = {&h->usage, h->users, VIEW("alice"), h->now_ns},
                                 .scratch = h->scratch,
                                 .arena = &h->arena};
    must(policy_judge(&q, &v), "judge");
    asked.channel = view_of(v.channel.bytes, v.channel.len);
    must(access_decide(&h->access, &asked, NULL), "decide");
    write_frame(h, &v);
}

static double cpu_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double least_ns(struct house *h, struct view text, bool has_policy)
{
    double least = 1e18;

    for (unsigned round = 0; round < ROUNDS; round++) {
        double start = cpu_ns(), spent;

        for (unsigned i = 0; i < PER_ROUND; i++)
            serve(h, text, has_policy);
        spent = (cpu_ns() - start) / PER_ROUND;
        least = spent < least ? spent : least;
    }
    return least;
}

int main(void)
{
    struct house h;

    house_init(&h);
    printf("message                bytes  parse alone   parse to frame\n");
    printf("plain text             %5zu   %6.0f ns     %6.0f ns\n", sizeof(plain) - 1,
           least_ns(&h, view_of_text(plain), false), least_ns(&h, view_of_text(plain), true));
    printf("markup to strip        %5zu   %6.0f ns     %6.0f ns\n", sizeof(marked) - 1,
           least_ns(&h, view_of_text(marked), false), least_ns(&h, view_of_text(marked), true));
    return 0;
}
