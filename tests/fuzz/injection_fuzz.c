/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-rooms: base message */
/* injection_fuzz.c: any bytes get a verdict, the same one twice; other bytes around them do not
 * lower it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/status.h"
#include "message/injection.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct injection_verdict judge(const uint8_t *data, size_t len)
{
    const struct injection_detector d = {&injection_signs, NULL, INJECTION_THRESHOLD};
    struct injection_verdict verdict = {INJECTION_FAMILIES, 0};
    char *exact =
        malloc(len > 0 ? len : 1); /* its end is poisoned, so that a read behind it shows */
    int rc;

    ASSERT(exact != NULL);
    if (len > 0)
        memcpy(exact, data, len);
    rc = injection_check(&d, view_of(exact, len), &verdict);
    ASSERT(rc == (verdict.score >= INJECTION_THRESHOLD ? E_DENIED : OK));
    ASSERT((verdict.family == INJECTION_NONE) == (verdict.score == 0));
    ASSERT(verdict.family < INJECTION_FAMILIES);
    free(exact);
    return verdict;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t padded[4096];
    struct injection_verdict once, again;

    if (len + 2 > sizeof(padded))
        return 0;
    once = judge(data, len);
    again = judge(data, len);
    ASSERT(once.family == again.family && once.score == again.score);
    memset(padded, '~', len + 2);
    memcpy(padded + 1, data, len);
    /* An operator of a document database counts only as a whole text, for ten points. */
    ASSERT(judge(padded, len + 2).score + INJECTION_THRESHOLD >= once.score);
    return 0;
}
