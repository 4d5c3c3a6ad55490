/*
 * sender.h - when to look for webhooks and mails that are to be sent.
 *
 * It works while the relay of its process leads, on a database connection of its own, so that
 * neither waits for the other.
 */
#ifndef TIMETRACKR_SENDER_H
#define TIMETRACKR_SENDER_H

#include <stdbool.h>

#include "config.h"
#include "loop.h"
#include "relay_metrics.h"

struct sender;

/*
 * Descriptors that are kept for it. With more under way it takes of those that are free; what fails
 * for want of one is sent later.
 */
#define SENDER_DESCRIPTORS 32

/* Of the database behind a URL. `config`, `url` and `metrics` must outlive it. NULL when memory is out. */
struct sender *sender_open(struct loop *loop, const struct config *config, const char *url, struct relay_metrics *metrics);

/* This process leads, or no longer so. */
void		sender_lead(struct sender *sender, bool leads);

/* Stop: what is under way is sent again by the next one that leads. NULL is fine. */
void		sender_close(struct sender *sender);

#endif
