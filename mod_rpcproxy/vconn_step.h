/* SPDX-License-Identifier: Apache-2.0
 * Copyright the Postern authors */
#ifndef POSTERN_VCONN_STEP_H
#define POSTERN_VCONN_STEP_H

/* What the transitions of vconn.c do.  For vconn.c alone. */

#include "vconn.h"

/* Adds an action for the caller to fill in. */
vconn_action_t *vconn_step_act(vconn_actions_t *out, vconn_action_e type);

/* Ends everything; refuses the newcomer of a VCONN_EV_JOIN. */
void vconn_step_end(vconn_t *v, vconn_actions_t *out, unsigned int code,
                    const char *why);
void vconn_step_refuse(vconn_actions_t *out, unsigned int code,
                       const char *why);

/* Sends one of the proxy's PDUs on OUT, its values from the options. */
void vconn_step_send_form(vconn_t *v, const vconn_event_t *e,
                          vconn_actions_t *out, rts_form_e form);

/* OUT takes PDUs in every state but the gap between its two instances; its end
 * is kept for the PDUs that replace it; and some peers bear none unasked. */
int vconn_step_out_usable(const vconn_t *v);
int vconn_step_out_has_room(const vconn_t *v);
int vconn_step_may_send_unasked(const vconn_t *v);

/* Tells the client how far its IN channel was read (section 3.2.1.1.5.1). */
void vconn_step_acknowledge_if_due(vconn_t *v, const vconn_event_t *e,
                                   vconn_actions_t *out);

/* Gives up an IN recycling; the old channel stays. */
void vconn_step_drop_in_next(vconn_t *v, vconn_actions_t *out);

/* Does what a transition does; 1 to take it, 0 to stay in the state. */
typedef int vconn_step_fn(vconn_t *v, const vconn_event_t *e,
                          vconn_actions_t *out);

vconn_step_fn vconn_step_join_out;
vconn_step_fn vconn_step_join_in;
vconn_step_fn vconn_step_answer_out;
vconn_step_fn vconn_step_answer_and_open;
vconn_step_fn vconn_step_join_in_and_open;
vconn_step_fn vconn_step_begin_in_recycle;
vconn_step_fn vconn_step_finish_in_recycle;
vconn_step_fn vconn_step_begin_out_switch;
vconn_step_fn vconn_step_enter_new_out;
vconn_step_fn vconn_step_take_a7;
vconn_step_fn vconn_step_take_a7_last;
vconn_step_fn vconn_step_take_c1;
vconn_step_fn vconn_step_take_ping;
vconn_step_fn vconn_step_take_keepalive;
vconn_step_fn vconn_step_take_ack;

#endif
