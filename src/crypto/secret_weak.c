/* SPDX-License-Identifier: Apache-2.0 */
/* secret_weak.c: refuses secrets that a stranger would try first: too short, repeated, counted up,
 * copied out of a tutorial, or put together from nothing but placeholder words. It never says which
 * word or sample it was, because that message goes to a log. Random bytes, hex or base64 of 32
 * bytes never fail here. */
#include "crypto/secret.h"

#include <stdint.h>
#include <string.h>

#include "base/base64.h"
#include "base/status.h"

#define DISTINCT_MIN    6 /* of 32 random decimal digits, fewer than 6 differ once in 10^7 times */
#define DIGITS_FREE     8 /* digits that may stand between placeholder words: "changeme1234" */
#define WORDS_BYTES_MAX 256

#define ADVICE "make one with: openssl rand -base64 48"

/* Keys printed in standards, manuals and tutorials, so often copied that every attack list holds
 * them. Compared with the secret as it stands and with its base64url form. */
static const char *const samples[] = {
    /* RFC 7515 A.1, then RFC 7520 */
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg",
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    "404E635266556A586E3272357538782F413F4428472B4B6250645367566B5970",
    "3cfa76ef14937c1c0ea519f8fc057a80fcd04a7420f8e8bcd0a7567c272e007b",
    "qwertyuiopasdfghjklzxcvbnm123456",
    "qwertyuiopasdfghjklzxcvbnm1234567890",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,",
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    "0123456789abcdef0123456789ABCDEF",
    "00112233445566778899aabbccddeeff",
    "correct-horse-battery-staple-correct",
    "deadbeefcafebabedeadbeefcafebabe0",
};

static const char *const words[] = {
    "a",       "an",          "and",       "any",     "api",        "app",         "at",
    "auth",    "base",        "be",        "bit",     "bits",       "byte",        "bytes",
    "change",  "changed",     "changeit",  "char",    "character",  "characters",  "chars",
    "config",  "default",     "demo",      "dev",     "develop",    "development", "do",
    "dummy",   "else",        "enough",    "env",     "example",    "fake",        "file",
    "foo",     "bar",         "baz",       "for",     "gateward",   "generate",    "generated",
    "here",    "hello",       "hmac",      "hs256",   "hs384",      "hs512",       "i",
    "in",      "insecure",    "insert",    "is",      "it",         "json",        "jwt",
    "key",     "keys",        "least",     "letmein", "local",      "localhost",   "long",
    "longer",  "master",      "me",        "minimum", "more",       "must",        "my",
    "need",    "never",       "new",       "no",      "not",        "of",          "on",
    "only",    "or",          "our",       "pass",    "passphrase", "password",    "passw0rd",
    "phrase",  "placeholder", "please",    "private", "prod",       "production",  "put",
    "qwerty",  "random",      "real",      "really",  "replace",    "sample",      "secret",
    "secrets", "secure",      "security",  "server",  "session",    "sha",         "shared",
    "should",  "sign",        "signing",   "some",    "something",  "staging",     "string",
    "strong",  "super",       "symmetric", "temp",    "test",       "testing",     "than",
    "that",    "the",         "this",      "to",      "todo",       "token",       "ultra",
    "use",     "used",        "user",      "value",   "very",       "web",         "websocket",
    "with",    "world",       "xxx",       "you",     "your",       "admin",       "welcome",
    "safe",    "safely",      "set",       "access",  "refresh",    "min",         "hash",
    "hashing", "asdf",        "abc",       "thirty",  "two",        "length",      "hard",
    "guess",   "unsafe",      "weak",      "was",     "will",       "its",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Is the secret a shorter one written several times over, so that only the shorter one counts? */
static bool is_repetition(const uint8_t *s, size_t len)
{
    for (size_t period = 1; period < SECRET_BYTES_MIN && period <= len / 2; period++) {
        if (memcmp(s, s + period, len - period) == 0)
            return true;
    }
    return false;
}

static size_t distinct_bytes(const uint8_t *s, size_t len)
{
    bool seen[256] = {false};
    size_t count = 0;

    for (size_t i = 0; i < len; i++) {
        if (!seen[s[i]])
            count++;
        seen[s[i]] = true;
    }
    return count;
}

/* Mostly neighbours of the alphabet or of the digits: "abcdefgh...", "9876543210...". */
static bool is_counted(const uint8_t *s, size_t len)
{
    size_t steps = 0;

    for (size_t i = 1; i < len; i++) {
        int d = (int)s[i] - (int)s[i - 1];

        if (d >= -1 && d <= 1)
            steps++;
    }
    return steps * 4 >= (len - 1) * 3;
}

static bool is_sample(const struct buf *secret)
{
    char encoded[BASE64_BYTES(128)];
    struct view encoded_view = VIEW("");

    if (secret->len <= 96)
        encoded_view = view_of(encoded, base64url_encode(encoded, secret->data, secret->len));
    for (size_t i = 0; i < COUNT(samples); i++) {
        struct view sample = view_of_text(samples[i]);

        if (view_eq_nocase(buf_view(secret), sample) || view_eq(encoded_view, sample))
            return true;
    }
    return false;
}

/* Letters in lower case and digits, nothing else. Returns 0 for a text that holds other than
 * printable ASCII. */
static size_t letters_and_digits(char *out, const struct buf *secret)
{
    size_t len = 0;

    if (secret->len > WORDS_BYTES_MAX)
        return 0;
    for (size_t i = 0; i < secret->len; i++) {
        uint8_t c = secret->data[i];

        if (c < 0x20 || c > 0x7e)
            return 0;
        if (c >= 'A' && c <= 'Z')
            c = (uint8_t)(c | 0x20);
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            out[len++] = (char)c;
    }
    return len;
}

/* Can `text` be cut into placeholder words with a few digits between? fewest[i] = digits needed up
 * to i. */
static bool is_words(const char *text, size_t len)
{
    uint16_t fewest[WORDS_BYTES_MAX + 1];

    memset(fewest, 0xff, sizeof(fewest));
    fewest[0] = 0;
    for (size_t i = 0; i < len; i++) {
        if (fewest[i] > DIGITS_FREE)
            continue;
        if (text[i] >= '0' && text[i] <= '9' && fewest[i] + 1 < fewest[i + 1])
            fewest[i + 1] = (uint16_t)(fewest[i] + 1);
        for (size_t w = 0; w < COUNT(words); w++) {
            size_t n = strlen(words[w]);

            if (n <= len - i && memcmp(text + i, words[w], n) == 0 && fewest[i] < fewest[i + n])
                fewest[i + n] = fewest[i];
        }
    }
    return fewest[len] <= DIGITS_FREE;
}

static bool is_placeholder(const struct buf *secret)
{
    char text[WORDS_BYTES_MAX];
    size_t len = letters_and_digits(text, secret);
    bool answer = len >= secret->len / 2 && len > 0 && is_words(text, len);

    secret_wipe(text, sizeof(text));
    return answer;
}

int secret_check_strength(const struct buf *secret, struct error *why)
{
    if (secret->len < SECRET_BYTES_MIN) {
        error_set(why, "the secret has %zu bytes and needs at least %d; " ADVICE, secret->len,
                  SECRET_BYTES_MIN);
        return E_INVALID;
    }
    if (is_repetition(secret->data, secret->len) ||
        distinct_bytes(secret->data, secret->len) < DISTINCT_MIN) {
        error_set(why,
                  "the secret repeats itself, so it is as weak as the part it repeats; " ADVICE);
        return E_INVALID;
    }
    if (is_counted(secret->data, secret->len)) {
        error_set(why, "the secret is counted up or down and easy to guess; " ADVICE);
        return E_INVALID;
    }
    if (is_sample(secret) || is_placeholder(secret)) {
        error_set(why, "the secret is a well-known sample or placeholder; " ADVICE);
        return E_INVALID;
    }
    return OK;
}
