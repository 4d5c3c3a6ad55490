/*
 * mail_message.h - a mail as text: RFC 5322 and MIME, in plain text and in HTML.
 */
#ifndef TIMETRACKR_MAIL_MESSAGE_H
#define TIMETRACKR_MAIL_MESSAGE_H

#include <stdbool.h>
#include <time.h>

#include "text.h"

struct mail_message
{
	const char *from_name;		/* NULL: none */
	const char *from_address;
	const char *to_name;
	const char *to_address;
	const char *subject;
	const char *body;			/* paragraphs, with an empty line between them; one that is {link} or {choices} is that address */
	const char *link;			/* an URL; NULL: a paragraph {link} is left out */
	const char *choices;		/* likewise */
	const char *message_id;		/* without angle brackets and domain: that of from_address is added */
	const char *unsubscribe;	/* an URL that ends such mails when it is POSTed to (RFC 8058); NULL: none */
	time_t		date;
};

/*
 * Write it, with CR LF at the ends of lines. Whatever the fields hold, no header but these comes of it, no line is
 * longer than 998 bytes, and all bytes are ASCII but those of an address that is not. False when memory is out.
 */
bool		mail_message_write(struct text *out, const struct mail_message *message);

#endif
