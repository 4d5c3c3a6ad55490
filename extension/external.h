/*
 * external.h: users whom an identity provider vouches for. external.c also has
 * the SQL functions external_user() and link_external_id().
 */
#ifndef TT_EXTERNAL_H
#define TT_EXTERNAL_H

#include "timetrackr.h"

/*
 * The account of this external_id is deleted, or NULL: it had none. A token
 * from before does not bring it back. Needs tt_spi_begin().
 */
extern void tt_external_erased(const char *external_id);

#endif
