(define (domain sokoban)
  (:requirements :typing :negative-preconditions :action-costs)
  (:types thing location direction - object player stone - thing)
  (:predicates (at ?t - thing ?l - location) (full ?l - location) (next ?a ?b - location ?d - direction) (goal ?l - location))
  (:functions (total-cost))
  (:action walk
    :parameters (?p - player ?a ?b - location ?d - direction)
    :precondition (and (at ?p ?a) (next ?a ?b ?d) (not (full ?b)))
    :effect (and (not (at ?p ?a)) (at ?p ?b) (not (full ?a)) (full ?b)))
  (:action push
    :parameters (?p - player ?s - stone ?a ?b ?c - location ?d - direction)
    :precondition (and (at ?p ?a) (at ?s ?b) (next ?a ?b ?d) (next ?b ?c ?d) (not (full ?c)))
    :effect (and (not (at ?p ?a)) (at ?p ?b) (not (at ?s ?b)) (at ?s ?c) (not (full ?a)) (full ?c)
                 (increase (total-cost) 1))))
