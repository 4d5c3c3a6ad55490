/*
 * password.c: which passwords are accepted, and bcrypt through pgcrypto. Knows
 * nothing of users.
 */
#include "password.h"

#include "error.h"
#include "spi.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

/* "$2a$10$", 22 characters of salt, 31 of hash */
#define PREFIX_CHARS 7
#define SALT_CHARS 22
#define HASH_CHARS 60

/*
 * The passwords of TT_PASSWORD_MIN_CHARS or more that head the published lists
 * of leaked ones, in lower case: an attacker tries these first.
 */
static const char *const common_passwords[] = {
	"00000000", "000000000", "0000000000", "01234567", "0123456789", "09876543",
	"0987654321", "1029384756", "11111111", "111111111", "1111111111", "11112222",
	"11223344", "1122334455", "11235813", "12121212", "12301230", "12312312", "123123123",
	"12341234", "12344321", "123454321", "1234554321", "12345612", "123456123", "12345678",
	"123456789", "1234567890", "12345678910", "123456789a", "123456789q", "12345678a",
	"12345679", "1234567a", "123456aa", "123456ab", "123456abc", "1234abcd", "1234qwer",
	"123654789", "12369874", "123698745", "123abc123", "123qweasd", "123qweasdzxc",
	"12qwaszx", "13131313", "13579246", "135792468", "1357924680", "14141414", "14725836",
	"147258369", "147896325", "19841984", "19851985", "19861986", "19871987", "1a2b3c4d",
	"1q2w3e4r", "1q2w3e4r5t", "1q2w3e4r5t6y", "1qaz1qaz", "1qaz2wsx", "1qaz2wsx3edc",
	"1qazxsw2", "20202020", "21212121", "22222222", "23232323", "25252525", "31415926",
	"33333333", "44444444", "55555555", "66666666", "741852963", "77777777", "78945612",
	"789456123", "87654321", "88888888", "963852741", "98765432", "987654321", "9876543210",
	"99999999", "999999999", "a1234567", "a12345678", "a123456789", "a1b2c3d4", "a1s2d3f4",
	"aa123456", "aaaaaaaa", "abc12345", "abc123456", "abcd1234", "abcdefgh", "abcdefghi",
	"admin123", "admin1234", "adminadmin", "administrator", "alexander", "alexandra",
	"anderson", "asd12345", "asdasdasd", "asdf1234", "asdfasdf", "asdfghjk", "asdfghjkl",
	"azertyui", "azertyuiop", "babygirl", "babygirl1", "barcelona", "baseball", "baseball1",
	"basketball", "beautiful", "benjamin", "bismillah", "blink182", "butterfly",
	"california", "caroline", "changeme", "charlie1", "charlotte", "chelsea1", "chocolate",
	"christian", "christin", "christine", "christopher", "computer", "computer1",
	"consumer", "corvette", "cowboys1", "creative", "danielle", "december", "dolphins",
	"dragon12", "drowssap", "einstein", "elephant", "elizabeth", "evangelion", "fernando",
	"firebird", "flamingo", "football", "football1", "francesco", "frederic", "freedom1",
	"fuckyou1", "fuckyou2", "gabriela", "gangster", "garfield", "godzilla", "golfgolf",
	"hardcore", "hello123", "hellohello", "helloworld", "iloveyou", "iloveyou1",
	"iloveyou2", "internet", "isabella", "jasmine1", "jennifer", "jessica1", "jonathan",
	"jordan23", "juliette", "justin01", "killer123", "kristina", "leonardo", "letmein1",
	"letmein123", "letmeinnow", "liverpool", "liverpool1", "lovelove", "loveyou1",
	"maradona", "marlboro", "marseille", "master12", "masterkey", "maverick", "mercedes",
	"metallica", "michael1", "michelle", "microsoft", "midnight", "mistress", "monkey12",
	"monkey123", "mustang1", "mypassword", "nicholas", "november", "overlord", "p@ssw0rd",
	"p@ssword", "pa$$word", "pa55word", "passw0rd", "passw0rd1", "password", "password!",
	"password0", "password01", "password1", "password1!", "password12", "password123",
	"password1234", "password2", "password3", "patricia", "pavilion", "playboy1",
	"pokemon1", "politics", "porsche911", "portugal", "princess", "princess1", "q1w2e3r4",
	"q1w2e3r4t5", "qazwsxedc", "qazxswedc", "qq123456", "qwaszx12", "qweasdzxc",
	"qweqweqwe", "qwer1234", "qwerasdf", "qwert123", "qwerty12", "qwerty123", "qwerty1234",
	"qwerty12345", "qwerty123456", "qwertyui", "qwertyuiop", "red12345", "robinson",
	"rockstar", "rush2112", "samantha", "samsung1", "scarface", "scorpion", "sebastian",
	"september", "slipknot", "snowball", "spiderman", "spongebob", "srinivas", "starcraft",
	"startrek", "starwars", "starwars1", "steelers", "stephanie", "sunshine", "sunshine1",
	"superman", "superman1", "superstar", "swordfish", "test1234", "testing1", "testtest",
	"thailand", "thunder1", "tinkerbell", "trustno1", "undertaker", "valentin", "valentina",
	"veronica", "victoria", "welcome1", "welcome123", "westside", "whatever", "william1",
	"winston1", "wolverine", "xxxxxxxx", "yankees1", "zaq12wsx", "zaq1zaq1", "zxcvbnm1",
	"zxcvbnm123", "zzzzzzzz"
};

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

void
tt_password_check(const char *password)
{
	if (pg_mbstrlen(password) < TT_PASSWORD_MIN_CHARS)
		tt_raise(422, "weak_password", "password", NULL,
				 "a password has at least %d characters", TT_PASSWORD_MIN_CHARS);
	if (strlen(password) > TT_PASSWORD_MAX_BYTES)
		tt_raise(422, "weak_password", "password", NULL,
				 "a password has at most %d bytes", TT_PASSWORD_MAX_BYTES);
	for (int i = 0; i < lengthof(common_passwords); i++)
	{
		if (pg_strcasecmp(password, common_passwords[i]) == 0)
			tt_raise(422, "weak_password", "password", NULL,
					 "this password is among the most common ones");
	}
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
