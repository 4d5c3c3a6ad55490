/*
 * feed_message.h - what the relay's NOTIFY says: a message of one event a line,
 * as finish_events() (sql/30_stream.sql) writes it. Pure text, no database.
 */
#ifndef TIMETRACKR_FEED_MESSAGE_H
#define TIMETRACKR_FEED_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "feed.h"

/*
 * Begin to read a message. `after` becomes the id of the event before its
 * first one. Returns where its lines begin; NULL when it is no such message.
 */
char	   *feed_message_begin(char *message, int64_t *after);

/*
 * Read a line at `at`, which moves on to the next, or to NULL after the last. Strings of the event
 * point into the message, which is cut up for that. `data` is NULL when the
 * event is too large for a message. False when the line is none.
 */
bool		feed_message_next(char **at, struct feed_event *event);

#endif
