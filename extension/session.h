/*
 * session.h: refresh tokens. A login opens a session: a family of tokens, each
 * good for one refresh that gives the next. Only their SHA-256 is stored.
 */
#ifndef TT_SESSION_H
#define TT_SESSION_H

#include "timetrackr.h"

/*
 * All of these need tt_spi_begin(). ttl is a token's life in seconds, over 0;
 * place is where the client is, as from tt_place().
 */

/* Open a session of user_id and return its first token. */
extern char *tt_session_open(int64 user_id, int ttl, const char *place);

/*
 * Take token for its one use. Returns true with its user and the next token;
 * false when it is unknown, expired, used or revoked. A used or revoked one is
 * in two hands: its whole session is then revoked.
 */
extern bool tt_session_rotate(const char *token, int ttl, const char *place, int64 *user_id, char **next);

/* End the session that token belongs to, if it is one of user_id. */
extern void tt_session_close(int64 user_id, const char *token);

/* End the session of user_id with this family; false: there is none, or it has ended. */
extern bool tt_session_end(int64 user_id, const char *family);

/* End every session of user_id. */
extern void tt_session_close_all(int64 user_id);

#endif
