/*
 * password.c: bcrypt through pgcrypto. Knows nothing of users; which passwords
 * are accepted is password_rules.c's matter.
 */
#include "password.h"

#include "spi.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

/* "$2a$10$", 22 characters of salt, 31 of hash */
#define PREFIX_CHARS 7
#define SALT_CHARS 22
#define HASH_CHARS 60

/* pgcrypto may be installed in any schema; $1 is name(argument types). */
static TtQuery pgcrypto_function = {
	"SELECT pg_catalog.to_regprocedure(pg_catalog.format('%I.%s', n.nspname, $1))::oid::bigint"
	" FROM pg_catalog.pg_extension AS e"
	" JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace"
	" WHERE e.extname = 'pgcrypto'",
	1, {TEXTOID}
};

static Oid
find_function(const char *signature)
{
	Datum		arg = CStringGetTextDatum(signature);

	if (tt_query(&pgcrypto_function, &arg, NULL) != 1 || tt_is_null(0, 0))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("extension pgcrypto has no function %s", signature)));
	return (Oid) tt_int64(0, 0);
}

/* What crypt() makes of password with the salt (or the whole hash) setting. */
static char *
bcrypt(const char *password, const char *setting)
{
	Oid			crypt = find_function("crypt(pg_catalog.text,pg_catalog.text)");

	return TextDatumGetCString(OidFunctionCall2(crypt, CStringGetTextDatum(password),
												CStringGetTextDatum(setting)));
}

char *
tt_password_hash(const char *password)
{
	Oid			gen_salt = find_function("gen_salt(pg_catalog.text,pg_catalog.int4)");
	Datum		salt = OidFunctionCall2(gen_salt, CStringGetTextDatum("bf"),
										Int32GetDatum(tt_bcrypt_cost));

	return bcrypt(password, TextDatumGetCString(salt));
}

/*
 * Is hash what bcrypt makes? crypt() takes any other setting for one of
 * another method, in the end DES, which would compare 8 characters only.
 */
static bool
is_bcrypt(const char *hash)
{
	const char *alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	int			cost;

	if (strlen(hash) != HASH_CHARS || strncmp(hash, "$2", 2) != 0 ||
		strchr("aby", hash[2]) == NULL || hash[3] != '$' || hash[6] != '$')
		return false;
	if (hash[4] < '0' || hash[4] > '9' || hash[5] < '0' || hash[5] > '9')
		return false;
	cost = (hash[4] - '0') * 10 + hash[5] - '0';
	return cost >= 4 && cost <= 31 &&
		strspn(hash + PREFIX_CHARS, alphabet) == HASH_CHARS - PREFIX_CHARS;
}

bool
tt_password_is_outdated(const char *hash)
{
	return strncmp(hash + 4, psprintf("%02d", tt_bcrypt_cost), 2) != 0;
}

/* Compare in a time that does not tell where two hashes part. */
static bool
equal_hashes(const char *a, const char *b)
{
	unsigned char difference = 0;

	if (strlen(a) != HASH_CHARS || strlen(b) != HASH_CHARS)
		return false;
	for (int i = 0; i < HASH_CHARS; i++)
		difference |= (unsigned char) a[i] ^ (unsigned char) b[i];
	return difference == 0;
}

bool
tt_password_matches(const char *password, const char *hash)
{
	bool		possible = hash != NULL && is_bcrypt(hash);
	char		setting[HASH_CHARS + 1];
	size_t		length = strlen(password);

	if (possible)
	{
		strlcpy(setting, hash, sizeof(setting));
		setting[2] = 'a';		/* the letters name fixed bugs; pgcrypto knows only this one */
	}
	else
		snprintf(setting, sizeof(setting), "$2a$%02d$%.*s", tt_bcrypt_cost, SALT_CHARS,
				 "..............................");

	/* No stored hash is of a longer password: hash what fits and refuse. */
	if (length > TT_PASSWORD_MAX_BYTES)
	{
		possible = false;
		password = pnstrdup(password,
							pg_mbcliplen(password, (int) length, TT_PASSWORD_MAX_BYTES));
	}
	return equal_hashes(bcrypt(password, setting), setting) && possible;
}
