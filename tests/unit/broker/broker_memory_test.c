/* SPDX-License-Identifier: Apache-2.0 */
/* broker_memory_test.c: the suite of all engines, on the engine between threads. */
#include "broker_suite.h"

int main(void)
{
    return broker_suite_run(&broker_memory);
}
