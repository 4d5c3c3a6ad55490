/*
 * value.c - strict syntax of numbers, times, dates, booleans and enum labels.
 */
#include "value.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum value_status
check_integer(const char *text, long long least, long long most)
{
	const char *digits = text + (*text == '-');
	long long	number;

	if (*digits == '\0' || strspn(digits, "0123456789") != strlen(digits))
		return VALUE_BAD;
	errno = 0;
	number = strtoll(text, NULL, 10);
	if (errno == ERANGE || number < least || number > most)
		return VALUE_OUT_OF_RANGE;
	return VALUE_OK;
}

/* Read exactly `count` digits as a number and step over them; -1 when they are not there. */
static int
take_digits(const char **text, int count)
{
	int			number = 0;

	for (int i = 0; i < count; i++)
	{
		if ((*text)[i] < '0' || (*text)[i] > '9')
			return -1;
		number = number * 10 + ((*text)[i] - '0');
	}
	*text += count;
	return number;
}

/* Step over one byte out of `set`. */
static bool
take_one(const char **text, const char *set)
{
	if (**text == '\0' || strchr(set, **text) == NULL)
		return false;
	(*text)++;
	return true;
}

/* Step over YYYY-MM-DD of the Gregorian calendar, years 1 to 9999. */
static bool
take_date(const char **text)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int			year = take_digits(text, 4);
	int			month = take_one(text, "-") ? take_digits(text, 2) : -1;
	int			day = take_one(text, "-") ? take_digits(text, 2) : -1;
	bool		leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	if (year < 1 || month < 1 || month > 12 || day < 1)
		return false;
	return day <= days[month - 1] + (month == 2 && leap);
}

/* Step over hh:mm:ss[.digits]; second 60 is a leap second. */
static bool
take_time(const char **text)
{
	int			hour = take_digits(text, 2);
	int			minute = take_one(text, ":") ? take_digits(text, 2) : -1;
	int			second = take_one(text, ":") ? take_digits(text, 2) : -1;

	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
		return false;
	if (**text != '.')
		return true;
	(*text)++;
	if (strspn(*text, "0123456789") == 0 || strspn(*text, "0123456789") > 9)
		return false;
	*text += strspn(*text, "0123456789");
	return true;
}

/* Step over Z or ±hh:mm. PostgreSQL knows offsets under 16 hours. */
static bool
take_offset(const char **text)
{
	int			hour;
	int			minute;

	if (take_one(text, "Zz"))
		return true;
	if (!take_one(text, "+-"))
		return false;
	hour = take_digits(text, 2);
	minute = take_one(text, ":") ? take_digits(text, 2) : -1;
	return hour >= 0 && hour <= 15 && minute >= 0 && minute <= 59;
}

static enum value_status
check_timestamp(const char *text)
{
	bool		good = take_date(&text) && take_one(&text, "Tt") && take_time(&text) &&
		take_offset(&text) && *text == '\0';

	return good ? VALUE_OK : VALUE_BAD;
}

static enum value_status
check_date(const char *text)
{
	return take_date(&text) && *text == '\0' ? VALUE_OK : VALUE_BAD;
}

static enum value_status
check_label(const struct catalog_type *type, const char *text)
{
	for (size_t i = 0; i < type->label_count; i++)
		if (strcmp(type->labels[i], text) == 0)
			return VALUE_OK;
	return VALUE_BAD;
}

enum value_status
value_check(const struct catalog_type *type, const char *text)
{
	switch (type->kind)
	{
		case KIND_INTEGER:
			return check_integer(text, INT32_MIN, INT32_MAX);
		case KIND_BIGINT:
			return check_integer(text, INT64_MIN, INT64_MAX);
		case KIND_BOOLEAN:
			return strcmp(text, "true") == 0 || strcmp(text, "false") == 0 ? VALUE_OK : VALUE_BAD;
		case KIND_TIMESTAMP:
			return check_timestamp(text);
		case KIND_DATE:
			return check_date(text);
		case KIND_ENUM:
			return check_label(type, text);
		case KIND_TEXT:
			return VALUE_OK;
		default:
			return VALUE_BAD;
	}
}

void
value_describe(const struct catalog_type *type, char *out, size_t out_size)
{
	static const char *const names[] = {
		[KIND_BOOLEAN] = "true or false",
		[KIND_INTEGER] = "a whole number",
		[KIND_BIGINT] = "a whole number",
		[KIND_NUMBER] = "a number",
		[KIND_TEXT] = "a string",
		[KIND_TIMESTAMP] = "a time such as 2026-01-31T08:00:00Z",
		[KIND_DATE] = "a date such as 2026-01-31",
		[KIND_ENUM] = "one of ",
		[KIND_JSON] = "a JSON value",
		[KIND_ARRAY] = "an array of strings",
		[KIND_BYTES] = "a picture",
		[KIND_RECORD] = "an object",
		[KIND_VOID] = "nothing",
	};
	size_t		used = (size_t) snprintf(out, out_size, "%s", names[type->kind]);

	if (type->kind == KIND_ARRAY && (type->element->kind == KIND_INTEGER || type->element->kind == KIND_BIGINT))
		used = (size_t) snprintf(out, out_size, "an array of whole numbers");
	if (type->kind == KIND_ARRAY && type->element->kind == KIND_ENUM)
	{
		type = type->element;
		used = (size_t) snprintf(out, out_size, "a list of ");
	}
	for (size_t i = 0; i < type->label_count && used < out_size; i++)
		used += (size_t) snprintf(out + used, out_size - used, "%s%s", i ? ", " : "", type->labels[i]);
}
