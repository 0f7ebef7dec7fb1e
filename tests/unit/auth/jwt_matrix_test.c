/* SPDX-License-Identifier: Apache-2.0 */
/* jwt_matrix_test.c: what a token says about itself, in every way and in many mixtures. Each claim
 * has a list of forms, each form the fault that it is on its own; the verdict over a whole token is
 * the first fault in the order in which claims are judged, which a loop over a table finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "token_maker.h"

enum column { TYP, CRIT, ISS, AUD, SUB, JTI, CLIENT, ORG, ROLES, SCOPE, CNF, NBF, IAT, TIME, EXP };
#define COLUMNS 15
#define FORMS   10

struct form {
    const char *text; /* the value; NULL: absent; "": no more forms */
    enum jwt_fault fault;
};
static const struct {
    const char *name;
    struct form forms[FORMS]; /* the first is good */
} columns[COLUMNS] = {
    [TYP] = {"typ",
             {{"\"at+jwt\"", JWT_OK},
              {"\"Application/AT+JWT\"", JWT_OK},
              {"\"JWT\"", JWT_OK},
              {"\"application/jwt\"", JWT_OK},
              {NULL, JWT_OK},
              {"\"logout+jwt\"", JWT_HEADER},
              {"\"at+jwt \"", JWT_HEADER},
              {"null", JWT_HEADER},
              {"", JWT_OK}}},
    [CRIT] = {"crit",
              {{NULL, JWT_OK}, {"[\"exp\"]", JWT_CRITICAL}, {"[]", JWT_CRITICAL}, {"", JWT_OK}}},
    [ISS] = {"iss",
             {{"\"https://id.test\"", JWT_OK},
              {NULL, JWT_ISSUER},
              {"null", JWT_ISSUER},
              {"\"https://id.test/\"", JWT_ISSUER},
              {"[\"https://id.test\"]", JWT_ISSUER},
              {"", JWT_OK}}},
    [AUD] = {"aud",
             {{"\"gateward\"", JWT_OK},
              {"[\"x\",\"gateward\"]", JWT_OK},
              {NULL, JWT_AUDIENCE},
              {"\"other\"", JWT_AUDIENCE},
              {"[]", JWT_AUDIENCE},
              {"{\"gateward\":1}", JWT_AUDIENCE},
              {"", JWT_OK}}},
    [SUB] = {"sub",
             {{"\"alice\"", JWT_OK},
              {NULL, JWT_SUBJECT},
              {"null", JWT_SUBJECT},
              {"\"a:b\"", JWT_SUBJECT},
              {"7", JWT_SUBJECT},
              {"", JWT_OK}}},
    [JTI] = {"jti",
             {{"\"id-1\"", JWT_OK},
              {NULL, JWT_OK},
              {"null", JWT_CLAIMS},
              {"5", JWT_CLAIMS},
              {"", JWT_OK}}},
    [CLIENT] =
        {"client_id",
         {{"\"app\"", JWT_OK}, {NULL, JWT_OK}, {"null", JWT_OK}, {"7", JWT_OK}, {"", JWT_OK}}},
    [ORG] = {"org",
             {{"{\"id\":\"acme\",\"plan\":0}", JWT_OK},
              {"{\"plan\":false,\"id\":\"x_1\"}", JWT_OK},
              {NULL, JWT_TENANT},
              {"\"acme\"", JWT_TENANT},
              {"{\"id\":\"a.b\",\"plan\":1}", JWT_TENANT},
              {"{\"id\":\"012345678901234567890123456789012\",\"plan\":1}", JWT_TENANT},
              {"{\"id\":\"acme\"}", JWT_REQUIRED},
              {"{\"id\":\"acme\",\"plan\":null}", JWT_REQUIRED},
              {"", JWT_OK}}},
    [ROLES] = {"roles",
               {{"[\"user\"]", JWT_OK},
                {"\"user admin\"", JWT_OK},
                {NULL, JWT_OK},
                {"null", JWT_CLAIMS},
                {"[\"user\",1]", JWT_CLAIMS},
                {"", JWT_OK}}},
    [SCOPE] = {"scope",
               {{"\"chat\"", JWT_OK},
                {"[\"chat\"]", JWT_OK},
                {"\"\"", JWT_OK},
                {NULL, JWT_OK},
                {"null", JWT_CLAIMS},
                {"[[\"chat\"]]", JWT_CLAIMS},
                {"true", JWT_CLAIMS},
                {"", JWT_OK}}},
    [CNF] = {"cnf",
             {{NULL, JWT_OK},
              {"null", JWT_BINDING},
              {"{}", JWT_BINDING},
              {"{\"jkt\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}", JWT_BINDING},
              {"{\"x5t#S256\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}", JWT_BINDING},
              {"", JWT_OK}}},
    [NBF] = {"nbf",
             {{"1699999000", JWT_OK},
              {NULL, JWT_OK},
              {"1700000030", JWT_OK},
              {"1700000031", JWT_NOT_YET},
              {"null", JWT_CLAIMS},
              {"\"0\"", JWT_CLAIMS},
              {"", JWT_OK}}},
    [IAT] = {"iat",
             {{"1699999000", JWT_OK},
              {NULL, JWT_OK},
              {"-1e300", JWT_OK},
              {"1700000030.5", JWT_NOT_YET},
              {"null", JWT_CLAIMS},
              {"[1]", JWT_CLAIMS},
              {"", JWT_OK}}},
    [TIME] = {"auth_time",
              {{"1699998000", JWT_OK},
               {NULL, JWT_OK},
               {"1700000031", JWT_NOT_YET},
               {"null", JWT_CLAIMS},
               {"\"1699998000\"", JWT_CLAIMS},
               {"1e999", JWT_CLAIMS},
               {"", JWT_OK}}},
    [EXP] = {"exp",
             {{"1700000600", JWT_OK},
              {"1699999971", JWT_OK},
              {"1699999970.9", JWT_EXPIRED},
              {"0", JWT_EXPIRED},
              {NULL, JWT_CLAIMS},
              {"null", JWT_CLAIMS},
              {"\"1700000600\"", JWT_CLAIMS},
              {"", JWT_OK}}},
};

/* The order in which a verdict is found. A column stands twice where it can be wrong in two ways.
 */
static const struct {
    enum column column;
    bool is_required_only; /* counts JWT_REQUIRED alone; otherwise everything but that */
} order[] = {{CRIT, false},  {TYP, false},   {ISS, false},   {AUD, false}, {SUB, false},
             {JTI, false},   {ORG, false},   {ORG, true},    {IAT, true},  {JTI, true},
             {CLIENT, true}, {ROLES, false}, {SCOPE, false}, {CNF, false}, {NBF, false},
             {IAT, false},   {TIME, false},  {EXP, false}};

static bool is_said(const char *text)
{
    return text != NULL && strcmp(text, "null") != 0;
}

/* What this form is in itself, under this profile. */
static enum jwt_fault fault_of(enum column column, const struct form *form,
                               enum jwt_profile profile, bool is_required_only)
{
    if (is_required_only && profile == JWT_PROFILE_RFC9068 && column != ORG) {
        if (!is_said(form->text) || (column == CLIENT && form->text[0] != '"'))
            return JWT_REQUIRED;
    }
    if (column == TYP && form->fault == JWT_OK && profile == JWT_PROFILE_RFC9068 &&
        (form->text == NULL || strchr(form->text, '+') == NULL))
        return JWT_TYPE;
    return (form->fault == JWT_REQUIRED) == is_required_only ? form->fault : JWT_OK;
}

static enum jwt_fault verdict_of(const unsigned *forms, enum jwt_profile profile)
{
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        enum column column = order[i].column;
        enum jwt_fault fault = fault_of(column, &columns[column].forms[forms[column]], profile,
                                        order[i].is_required_only);

        if (fault != JWT_OK)
            return fault;
    }
    return JWT_OK;
}

static unsigned forms_count(enum column column)
{
    unsigned count = 0;

    while (columns[column].forms[count].text == NULL ||
           columns[column].forms[count].text[0] != '\0')
        count++;
    return count;
}

static void add(char *text, size_t size, enum column column, unsigned form)
{
    const char *value = columns[column].forms[form].text;
    size_t len = strlen(text);

    if (value != NULL)
        (void)snprintf(text + len, size - len, "%s\"%s\":%s", len > 1 ? "," : "",
                       columns[column].name, value);
}

static struct bench b;
static unsigned judged, accepted;

static void judge(const unsigned *forms, enum jwt_profile profile)
{
    char header[256] = "{\"alg\":\"HS256\"", payload[2048] = "{";
    enum jwt_fault want = verdict_of(forms, profile), fault;
    struct identity who = {.user = "untouched"};

    add(header, sizeof(header), TYP, forms[TYP]);
    add(header, sizeof(header), CRIT, forms[CRIT]);
    strcat(header, "}");
    for (enum column c = ISS; c <= EXP; c++)
        add(payload, sizeof(payload), c, forms[c]);
    strcat(payload, "}");
    b.issuer.profile = profile;
    fault = bench_judge_texts(&b, &who, header, payload);
    if (fault != want)
        fail_msg("%s %s: %s, not %s", header, payload, jwt_fault_text(fault), jwt_fault_text(want));
    assert_string_equal(who.user, want == JWT_OK ? "alice" : "untouched");
    judged++;
    accepted += want == JWT_OK;
}

static int setup(void **state)
{
    (void)state;
    bench_open(&b);
    b.issuer.issuer = "https://id.test";
    b.issuer.audience = "gateward";
    b.issuer.tenant_claim = "/org/id";
    b.issuer.required_claims[b.issuer.required_count++] = "/org/plan";
    judged = accepted = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bench_close(&b);
    return 0;
}

static void each_form_alone_is_what_the_table_says(void **state)
{
    (void)state;
    for (int profile = JWT_PROFILE_NONE; profile <= JWT_PROFILE_RFC9068; profile++)
        for (enum column c = 0; c < COLUMNS; c++)
            for (unsigned form = 0; form < forms_count(c); form++) {
                unsigned forms[COLUMNS] = {0};

                forms[c] = form;
                judge(forms, (enum jwt_profile)profile);
            }
    print_message("# %u tokens, %u accepted\n", judged, accepted);
    assert_true(judged > 150 && accepted > 40);
}

static void each_two_forms_together_are_what_comes_first(void **state)
{
    (void)state;
    for (enum column c = 0; c < COLUMNS; c++)
        for (enum column d = c + 1; d < COLUMNS; d++)
            for (unsigned i = 1; i < forms_count(c); i++)
                for (unsigned k = 1; k < forms_count(d); k++) {
                    unsigned forms[COLUMNS] = {0};

                    forms[c] = i;
                    forms[d] = k;
                    judge(forms, (i + k) % 2 == 0 ? JWT_PROFILE_NONE : JWT_PROFILE_RFC9068);
                }
    print_message("# %u tokens, %u accepted\n", judged, accepted);
    assert_true(judged > 1000 && accepted > 100);
}

static void mixtures_of_all_of_them(void **state)
{
    uint64_t seed = 34;

    (void)state;
    for (int n = 0; n < 1000; n++) {
        unsigned forms[COLUMNS];

        for (enum column c = 0; c < COLUMNS; c++) {
            unsigned dice;

            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
            dice = (unsigned)(seed >> 33);
            forms[c] = dice % 8 < 7 ? 0 : dice / 8 % forms_count(c);
        }
        judge(forms, n % 2 == 0 ? JWT_PROFILE_NONE : JWT_PROFILE_RFC9068);
    }
    print_message("# %u tokens, %u accepted\n", judged, accepted);
    assert_true(accepted > 100 && accepted < 900);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_form_alone_is_what_the_table_says, setup, teardown),
        cmocka_unit_test_setup_teardown(each_two_forms_together_are_what_comes_first, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(mixtures_of_all_of_them, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
