/* SPDX-License-Identifier: Apache-2.0 */
/* node.h: a YAML document (libyaml) as a tree where every value knows its line and column. Strict:
 * one document, no anchors, aliases, tags or duplicate keys; depth 16, 100,000 nodes, 1 MiB. JSON
 * files are YAML. Start-up and reload only. */
#ifndef CONFIG_NODE_H
#define CONFIG_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"
#include "config/problems.h"

enum node_type { NODE_NULL, NODE_SCALAR, NODE_LIST, NODE_MAP };
struct node {
    enum node_type type;
    bool is_quoted; /* a quoted scalar is always text */
    int line, column;
    struct view text; /* scalar */
    struct view key;  /* member of a map */
    int key_line, key_column;
    struct node *first, *next;
    uint32_t count;
    bool is_used; /* set by whoever reads the member; what stays unset is an unknown key */
};
struct document; /* owns all nodes */
/* Reports faults to `problems` and returns E_INVALID if there was any. Faults that leave the rest
 * readable (a key that stands twice, a tag) set *out all the same, so that the caller can go on and
 * tell everything at once. */
int document_parse(struct document **out, struct view text, struct problems *problems);
void document_free(struct document *doc);
struct node *document_root(struct document *doc);
struct node *node_member(struct node *map, const char *key); /* marks it used */

#endif
