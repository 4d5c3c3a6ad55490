/*
 * feed_message.c - a scanner for exactly what finish_events() writes. Anything
 * else is refused; the reader then looks into the table.
 */
#include "feed_message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Go past a fixed text. */
static bool
pass(char **at, const char *text)
{
	size_t		length = strlen(text);

	if (strncmp(*at, text, length) != 0)
		return false;
	*at += length;
	return true;
}

/* Go past a number; null is 0. */
static bool
pass_number(char **at, int64_t *number)
{
	char	   *end;

	*number = 0;
	if (pass(at, "null"))
		return true;
	if (**at < '0' || **at > '9')
		return false;
	errno = 0;
	*number = strtoll(*at, &end, 10);
	*at = end;
	return errno == 0;
}

static bool
pass_boolean(char **at, bool *value)
{
	*value = pass(at, "true");
	return *value || pass(at, "false");
}

/* Go past a string without escapes, which becomes a C string. */
static bool
pass_name(char **at, const char **name)
{
	size_t		length;

	if (!pass(at, "\""))
		return false;
	length = strcspn(*at, "\"\\");
	if ((*at)[length] != '"')
		return false;
	*name = *at;
	(*at)[length] = '\0';
	*at += length + 1;
	return true;
}

/* Go past the payload, which takes all of the line but the closing brace. */
static bool
pass_data(char **at, struct feed_event *event)
{
	size_t		length = strlen(*at);

	if (length < 3 || (*at)[0] != '{' || (*at)[length - 1] != '}' || (*at)[length - 2] != '}')
		return false;
	event->data = *at;
	event->data_length = length - 1;
	(*at)[length - 1] = '\0';
	return true;
}

char *
feed_message_begin(char *message, int64_t *after)
{
	char	   *at = message;

	if (pass(&at, "{\"after\": ") && pass_number(&at, after) && pass(&at, ", \"events\": [\n"))
		return at;
	return NULL;
}

bool
feed_message_next(char **at, struct feed_event *event)
{
	char	   *line = *at;
	size_t		length = strcspn(line, "\n");
	bool		last = line[length] == '\0';

	memset(event, 0, sizeof *event);
	/* a line ends in "," and the last one in "]}" */
	if (length < 2 || (last ? strcmp(line + length - 2, "]}") != 0 : line[length - 1] != ','))
		return false;
	*at = last ? NULL : line + length + 1;
	line[length - (last ? 2 : 1)] = '\0';
	if (!pass(&line, "{\"id\": ") || !pass_number(&line, &event->id))
		return false;
	if (strcmp(line, "}") == 0)
		return true;
	return pass(&line, ", \"topic\": ") && pass_name(&line, &event->topic) &&
		pass(&line, ", \"user_id\": ") && pass_number(&line, &event->user_id) &&
		pass(&line, ", \"project_id\": ") && pass_number(&line, &event->project_id) &&
		pass(&line, ", \"for_all\": ") && pass_boolean(&line, &event->for_all) &&
		pass(&line, ", \"data\": ") && pass_data(&line, event);
}
