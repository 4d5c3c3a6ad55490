/*
 * mailer.h - sending mails: claimed from the database, written, handed to the mail server, and
 * noted (sql/30_mails.sql). When to look is the sender's business.
 */
#ifndef TIMETRACKR_MAILER_H
#define TIMETRACKR_MAILER_H

#include <stdbool.h>

#include "config_mail.h"
#include "db.h"
#include "loop.h"
#include "relay_metrics.h"

struct mailer;

struct mailer_options
{
	struct db  *db;
	const struct config_mail *config;	/* with a server; outlives it */
	struct relay_metrics *metrics;
	void		(*changed) (void *arg); /* there is room again, or something is due that was not */
	void	   *arg;
};

/* NULL when memory is out. */
struct mailer *mailer_open(struct loop *loop, const struct mailer_options *options);

/* Claim and send what is due, as far as there is room. Nothing happens while an earlier claim is not answered. */
void		mailer_claim(struct mailer *mailer);

/* Is anything under way? */
bool		mailer_is_idle(const struct mailer *mailer);

/* What is under way is forgotten: it is claimed again later. NULL is fine. */
void		mailer_close(struct mailer *mailer);

#endif
