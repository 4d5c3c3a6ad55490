/*
 * outbound.h - requests of this process to servers of others, and mails, on an event loop.
 *
 * Whatever the other side does, a call here returns at once: names are resolved in threads of libcurl's,
 * everything else waits in the loop. Connections are kept and used again. Redirects are not followed,
 * certificates are verified against the system's store, or what a mail names, and no proxy is used, whatever http_proxy says:
 * allow_private would have nothing to check behind one.
 */
#ifndef TIMETRACKR_OUTBOUND_H
#define TIMETRACKR_OUTBOUND_H

#include <stdbool.h>
#include <stddef.h>

#include "loop.h"

/* Of an answer, head and body, no more bytes are read. */
#define OUTBOUND_ANSWER_MOST 65536

struct outbound;

struct outbound_answer
{
	int			status;			/* of HTTP; 0: no answer came, or not all of it */
	const char *why;			/* then: a line that says so; valid during the call */
	long		retry_after;	/* s, of Retry-After; 0: none */
	const char *header;			/* the value of the header that the request wants to see; NULL: it was not there */
};

struct outbound_request
{
	const char *url;			/* http:// or https://; copied */
	const char *const *headers;	/* "Name: value", ended by NULL; copied. NULL: none */
	const void *body;			/* to be POSTed; untouched until done() was called. NULL: GET */
	size_t		length;
	unsigned	timeout_ms;		/* for all of it, from now on */
	/*
	 * May it go to an address that is not the internet's at large, such as a loopback or a private one? The
	 * address that is really connected to is looked at, so that no name can lead there either.
	 */
	bool		allow_private;
	const char *wanted_header;	/* of the answer; outlives the request. NULL: none */
	/* Called exactly once, never within outbound_send(). May send the next one. */
	void		(*done) (void *arg, const struct outbound_answer *answer);
	void	   *arg;
};

/* A mail for one address, over SMTP. */
struct outbound_mail
{
	const char *url;			/* smtp:// or smtps://, with user and password if need be; copied */
	bool		needs_tls;		/* no STARTTLS, no mail. Without it smtp:// is spoken as it is */
	const char *ca_file;		/* read anew for each connection; copied. NULL: the system's store */
	const char *from;			/* addresses; copied */
	const char *to;
	const char *text;			/* all of it, lines ended by CR LF; untouched until done() was called */
	size_t		length;
	unsigned	timeout_ms;
	/*
	 * Called exactly once, never within outbound_mail(). status is the server's reply to the mail or
	 * its addresses, 0 when it did not come to that; `why` is set unless it is 2xx.
	 */
	void		(*done) (void *arg, const struct outbound_answer *answer);
	void	   *arg;
};

/* Ready for so many requests at a time. The library is started now; NULL when memory is out. */
struct outbound *outbound_open(struct loop *loop, size_t most);

/* Send one. False, and done() will not be called: as many as may be are under way, or memory is out. */
bool		outbound_send(struct outbound *outbound, const struct outbound_request *request);

/* Send a mail; likewise. */
bool		outbound_mail(struct outbound *outbound, const struct outbound_mail *mail);

/* How many are under way? */
size_t		outbound_running(const struct outbound *outbound);

/*
 * End. Those under way are dropped, and done() says so; it may send no more. Not to be called from
 * within done(). NULL is fine.
 */
void		outbound_close(struct outbound *outbound);

#endif
