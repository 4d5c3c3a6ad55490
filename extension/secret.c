/*
 * secret.c: random secrets and signatures, from what PostgreSQL brings along
 * (see secret.h). Also the SQL function random_token().
 */
#include "secret.h"

#include "common/base64.h"
#include "common/hmac.h"
#include "common/sha2.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

PG_FUNCTION_INFO_V1(tt_random_token);

void
tt_secret_random(uint8 bytes[TT_SECRET_BYTES])
{
	if (!pg_strong_random(bytes, TT_SECRET_BYTES))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random bytes")));
}

char *
tt_secret_token(void)
{
	uint8		bytes[TT_SECRET_BYTES];
	char	   *token;

	tt_secret_random(bytes);
	token = tt_base64(bytes, sizeof(bytes));
	for (char *c = token; *c != '\0'; c++)
	{
		if (*c == '+')
			*c = '-';
		else if (*c == '/')
			*c = '_';
		else if (*c == '=')
			*c = '\0';
	}
	return token;
}

Datum
tt_secret_digest(const char *token)
{
	return DirectFunctionCall1(sha256_bytea, CStringGetTextDatum(token));
}

char *
tt_base64(const uint8 *bytes, int count)
{
	int			size = pg_b64_enc_len(count) + 1;
	char	   *text = palloc(size);
	/* its argument is of another type from version to version */
	int			length = pg_b64_encode((const void *) bytes, count, text, size);

	if (length < 0)
		elog(ERROR, "timetrackr: base64 needs more than %d bytes", size);
	text[length] = '\0';
	return text;
}

void
tt_hmac(const uint8 *key, size_t key_length, const char *text, uint8 mac[TT_SECRET_BYTES])
{
	pg_hmac_ctx *context = pg_hmac_create(PG_SHA256);
	bool		good = context != NULL &&
		pg_hmac_init(context, key, key_length) >= 0 &&
		pg_hmac_update(context, (const uint8 *) text, strlen(text)) >= 0 &&
		pg_hmac_final(context, mac, PG_SHA256_DIGEST_LENGTH) >= 0;

	pg_hmac_free(context);
	if (!good)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not compute a signature")));
}

/* random_token() */
Datum
tt_random_token(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(tt_secret_token()));
}
