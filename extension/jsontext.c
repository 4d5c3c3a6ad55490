/*
 * jsontext.c: values of JSON, appended to a text (see jsontext.h).
 */
#include "jsontext.h"

#include <math.h>

#include "common/base64.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"

void
tt_json_null(StringInfo out)
{
	appendBinaryStringInfo(out, "null", 4);
}

void
tt_json_bool(StringInfo out, bool value)
{
	if (value)
		appendBinaryStringInfo(out, "true", 4);
	else
		appendBinaryStringInfo(out, "false", 5);
}

void
tt_json_integer(StringInfo out, int64 number)
{
	enlargeStringInfo(out, MAXINT8LEN + 1);
	out->len += pg_lltoa(number, out->data + out->len);
}

/* Append a palloc'd text and free it. */
static void
append_and_free(StringInfo out, char *text)
{
	appendStringInfoString(out, text);
	pfree(text);
}

void
tt_json_float4(StringInfo out, float4 number)
{
	if (isfinite(number))
		append_and_free(out, DatumGetCString(DirectFunctionCall1(float4out,
																 Float4GetDatum(number))));
	else
		tt_json_null(out);
}

void
tt_json_float8(StringInfo out, float8 number)
{
	if (isfinite(number))
		append_and_free(out, float8out_internal(number));
	else
		tt_json_null(out);
}

void
tt_json_numeric(StringInfo out, Numeric number)
{
	if (numeric_is_nan(number) || numeric_is_inf(number))
		tt_json_null(out);
	else
		append_and_free(out, DatumGetCString(DirectFunctionCall1(numeric_out,
																 NumericGetDatum(number))));
}

/* The escape of a character that cannot stand for itself in a string. */
static void
append_escape(StringInfo out, unsigned char c)
{
	switch (c)
	{
		case '"':
			appendStringInfoString(out, "\\\"");
			break;
		case '\\':
			appendStringInfoString(out, "\\\\");
			break;
		case '\n':
			appendStringInfoString(out, "\\n");
			break;
		case '\r':
			appendStringInfoString(out, "\\r");
			break;
		case '\t':
			appendStringInfoString(out, "\\t");
			break;
		case '\b':
			appendStringInfoString(out, "\\b");
			break;
		case '\f':
			appendStringInfoString(out, "\\f");
			break;
		default:
			appendStringInfo(out, "\\u%04x", c);
	}
}

void
tt_json_string(StringInfo out, const char *text, int length)
{
	const char *end = text + length;
	const char *plain = text;	/* begin of what is not appended yet */

	appendStringInfoCharMacro(out, '"');
	/* In no server encoding is such a byte a part of another character. */
	for (const char *p = text; p < end; p++)
	{
		unsigned char c = (unsigned char) *p;

		if (likely(c >= ' ' && c != '"' && c != '\\'))
			continue;
		appendBinaryStringInfo(out, plain, p - plain);
		append_escape(out, c);
		plain = p + 1;
	}
	appendBinaryStringInfo(out, plain, end - plain);
	appendStringInfoCharMacro(out, '"');
}

void
tt_json_base64(StringInfo out, const char *bytes, int length)
{
	int			room = pg_b64_enc_len(length);
	int			written;

	appendStringInfoCharMacro(out, '"');
	enlargeStringInfo(out, room + 1);
	/* The type that the source points to differs between versions. */
	written = pg_b64_encode((const void *) bytes, length, out->data + out->len, room);
	if (written < 0)
		elog(ERROR, "timetrackr: no room for %d bytes in base64", length);
	out->len += written;
	appendStringInfoCharMacro(out, '"');
}

static inline char *
put_two_digits(char *p, int number)
{
	*p++ = '0' + number / 10;
	*p++ = '0' + number % 10;
	return p;
}

/* Years that RFC 3339 has no room for get ISO 8601's sign and six digits. */
static void
append_date(StringInfo out, int julian_day)
{
	int			year,
				month,
				day;
	char	   *p;

	j2date(julian_day, &year, &month, &day);
	if (year < 0 || year > 9999)
		appendStringInfo(out, "%+07d", year);
	enlargeStringInfo(out, 16);
	p = out->data + out->len;
	if (year >= 0 && year <= 9999)
		p = put_two_digits(put_two_digits(p, year / 100), year % 100);
	*p++ = '-';
	p = put_two_digits(p, month);
	*p++ = '-';
	p = put_two_digits(p, day);
	out->len = p - out->data;
}

/* Microseconds since midnight; a fraction only when it is not zero. */
static void
append_time_of_day(StringInfo out, int64 time)
{
	int			second = time / USECS_PER_SEC;
	int			fraction = time % USECS_PER_SEC;
	char	   *p;

	enlargeStringInfo(out, 16);
	p = out->data + out->len;
	p = put_two_digits(p, second / SECS_PER_HOUR);
	*p++ = ':';
	p = put_two_digits(p, second / SECS_PER_MINUTE % 60);
	*p++ = ':';
	p = put_two_digits(p, second % SECS_PER_MINUTE);
	if (fraction != 0)
	{
		*p++ = '.';
		for (int unit = USECS_PER_SEC / 10; fraction > 0; unit /= 10)
		{
			*p++ = '0' + fraction / unit;
			fraction %= unit;
		}
	}
	out->len = p - out->data;
}

/* A timestamp of either kind; suffix is its zone. */
static void
append_timestamp(StringInfo out, Timestamp timestamp, const char *suffix)
{
	int64		day = timestamp / USECS_PER_DAY;
	int64		time = timestamp % USECS_PER_DAY;

	if (TIMESTAMP_NOT_FINITE(timestamp))
	{
		tt_json_null(out);
		return;
	}
	if (time < 0)
	{
		time += USECS_PER_DAY;
		day--;
	}
	appendStringInfoCharMacro(out, '"');
	append_date(out, (int) day + POSTGRES_EPOCH_JDATE);
	appendStringInfoCharMacro(out, 'T');
	append_time_of_day(out, time);
	appendStringInfoString(out, suffix);
	appendStringInfoCharMacro(out, '"');
}

void
tt_json_timestamptz(StringInfo out, TimestampTz instant)
{
	append_timestamp(out, instant, "Z");
}

void
tt_json_timestamp(StringInfo out, Timestamp local)
{
	append_timestamp(out, local, "");
}

void
tt_json_date(StringInfo out, DateADT day)
{
	if (DATE_NOT_FINITE(day))
	{
		tt_json_null(out);
		return;
	}
	appendStringInfoCharMacro(out, '"');
	append_date(out, day + POSTGRES_EPOCH_JDATE);
	appendStringInfoCharMacro(out, '"');
}
