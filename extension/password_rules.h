/*
 * password_rules.h: which passwords are accepted.
 */
#ifndef TT_PASSWORD_RULES_H
#define TT_PASSWORD_RULES_H

#include "timetrackr.h"

#define TT_PASSWORD_MIN_CHARS 8

/*
 * Raise TT422 weak_password, naming field, unless password may be chosen for
 * the account with this email and username: long enough, no longer than bcrypt
 * looks, not a common one, and not the email, its part before the @, or the
 * username, whatever the case.
 */
extern void tt_password_check(const char *password, const char *field,
							  const char *email, const char *username);

#endif
