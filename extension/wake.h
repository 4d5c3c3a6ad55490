/*
 * wake.h: waking the relay that drains the outbox.
 */
#ifndef TT_WAKE_H
#define TT_WAKE_H

#include "timetrackr.h"

/*
 * See to it that the relay looks at the outbox after this transaction has
 * committed, by whichever way timetrackr.notify says. Called at every event;
 * only the first call of a transaction does something.
 */
extern void tt_wake_relay(void);

/* Forget at transaction end that the relay was woken. Called once at load. */
extern void tt_wake_init(void);

#endif
