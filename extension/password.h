/*
 * password.h: which passwords are accepted, and how they are hashed.
 */
#ifndef TT_PASSWORD_H
#define TT_PASSWORD_H

#include "timetrackr.h"

#define TT_PASSWORD_MIN_CHARS 8
/* bcrypt looks at no more. */
#define TT_PASSWORD_MAX_BYTES 72

/* Raise TT422 weak_password unless password may be chosen. */
extern void tt_password_check(const char *password);

/* The bcrypt hash to store. Needs tt_spi_begin(). */
extern char *tt_password_hash(const char *password);

/*
 * Does password have this stored hash? False for NULL and for anything that is
 * no bcrypt hash, after the same work as for a hash. Needs tt_spi_begin().
 */
extern bool tt_password_matches(const char *password, const char *hash);

#endif
