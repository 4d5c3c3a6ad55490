/*
 * wake.h: waking the relay that drains the outbox, and the sender of webhooks and mails.
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

/* See to it that the sender looks at what is to be sent after this transaction has committed. */
extern void tt_wake_sender(void);

/* Forget at transaction end that the relay was woken. Called once at load. */
extern void tt_wake_init(void);

#endif
