/*
 * config_mail.h - the settings of outgoing mail.
 */
#ifndef TIMETRACKR_CONFIG_MAIL_H
#define TIMETRACKR_CONFIG_MAIL_H

#include <stdbool.h>
#include <stddef.h>

struct config_mail
{
	char	   *server;			/* URL, with user and password if need be; NULL: no mails are sent */
	bool		needs_tls;		/* STARTTLS is required */
	char	   *ca_file;		/* of the authorities that its certificate may come from; NULL: the system's */
	char	   *from_name;		/* NULL: none */
	char	   *from_address;	/* set with server, as all below */
	char	   *public_url;		/* where clients find this API; without a slash at the end */
	char	   *reset_url;		/* of a page; {token} in it is replaced */
};

/* What {token} is in reset_url. */
#define CONFIG_MAIL_TOKEN "{token}"

/*
 * Is all there that mails need? `origin` is where the frontend is, NULL when nobody says: then reset_url has
 * to be set. False with "NAME: why" in `why`.
 */
bool		config_mail_complete(struct config_mail *mail, const char *origin, char *why, size_t why_size);

/* Free it; the password is wiped. */
void		config_mail_free(struct config_mail *mail);

#endif
