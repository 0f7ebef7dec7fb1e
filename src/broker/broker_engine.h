/* SPDX-License-Identifier: Apache-2.0 */
/* broker_engine.h: what every engine's struct begins with. Private to broker/. */
#ifndef BROKER_BROKER_ENGINE_H
#define BROKER_BROKER_ENGINE_H

#include "broker/broker.h"

struct broker {
    const struct broker_ops *ops;
};

#endif
