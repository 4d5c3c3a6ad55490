/*
 * user_rules.h: what the fields of a user must be, whoever writes them.
 */
#ifndef TT_USER_RULES_H
#define TT_USER_RULES_H

#include "timetrackr.h"

#define TT_USERNAME_MAX_CHARS 50
#define TT_BIO_MAX_CHARS 2000

/*
 * Each returns the value to store, trimmed, or raises TT422 with the field's
 * name. An email has 1-64 bytes, @, and a domain of two labels or more.
 */
extern char *tt_clean_email(const char *given);
/* Would it take this email, trimmed already? */
extern bool tt_is_email(const char *email);
/* 1-50 characters, none of them a control or direction character. */
extern char *tt_clean_username(const char *given);
extern bool tt_is_username(const char *username);
/* A name of pg_timezone_names. */
extern char *tt_clean_timezone(const char *given);
/* At most 2000 characters; kept as given. */
extern char *tt_clean_bio(const char *given);

#endif
