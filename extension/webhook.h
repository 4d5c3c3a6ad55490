/*
 * webhook.h: webhooks, as their owners manage them. webhook.c has
 * create_webhook(), update_webhook() and delete_webhook(); webhook_secret.c the
 * keys of their signatures; webhook_send.c what their owners have sent.
 */
#ifndef TT_WEBHOOK_H
#define TT_WEBHOOK_H

#include "timetrackr.h"

#define TT_WEBHOOKS_MAX 10
#define TT_WEBHOOK_PROJECTS_MAX 20
#define TT_WEBHOOK_URL_MAX_BYTES 2000
#define TT_WEBHOOK_DESCRIPTION_MAX_CHARS 500

/*
 * The URL without the blanks around it, or TT422 invalid_url, url_not_https.
 * plain admits http://, too.
 */
extern char *tt_clean_webhook_url(const char *given, bool plain);

/* Raise TT401 unless there is the viewer, who stays locked. Needs tt_spi_begin(), as all below. */
extern void tt_lock_webhook_owner(int64 viewer_id);

/* Raise TT404 webhook_not_found, or when only_enabled TT409 webhook_disabled; else it stays locked. */
extern void tt_require_webhook(int64 viewer_id, int64 webhook_id, bool only_enabled);

/* Set anew when the sender looks at it, and see to it that it does so. */
extern void tt_schedule_webhook(int64 viewer_id, int64 webhook_id);

/* A new secret as bytes, and as text for its owner: whsec_ and base64. */
extern char *tt_new_webhook_secret(Datum *bytes);

#endif
