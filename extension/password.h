/*
 * password.h: how passwords are hashed.
 */
#ifndef TT_PASSWORD_H
#define TT_PASSWORD_H

#include "timetrackr.h"

/* bcrypt looks at no more. */
#define TT_PASSWORD_MAX_BYTES 72

/* The bcrypt hash to store. Needs tt_spi_begin(). */
extern char *tt_password_hash(const char *password);

/*
 * Does password have this stored hash? False for NULL and for anything that is
 * no bcrypt hash, after the same work as for a hash. Needs tt_spi_begin().
 */
extern bool tt_password_matches(const char *password, const char *hash);

/*
 * Was this bcrypt hash made at another cost than timetrackr.bcrypt_cost? The
 * time that a wrong password takes then tells it from one that is not there.
 */
extern bool tt_password_is_outdated(const char *hash);

#endif
