/* SPDX-License-Identifier: Apache-2.0 */
/* broker_suite.h: what every engine has to do, whatever it is made of. */
#ifndef TESTS_BROKER_SUITE_H
#define TESTS_BROKER_SUITE_H

#include "broker/broker.h"

/* Runs the suite on an engine; returns the number of failed tests. */
int broker_suite_run(const struct broker_ops *ops);

#endif
