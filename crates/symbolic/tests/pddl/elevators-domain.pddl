; Lifts with costs: each trip costs what the functions say, boarding is free.
(define (domain ELEVATORS)
  (:requirements :strips :typing :action-costs)
  (:types lift - object passenger - object
          slow fast - lift
          floor)
  (:predicates (at ?l - lift ?f - floor) (waits ?p - passenger ?f - floor)
               (in ?p - passenger ?l - lift) (stops ?l - lift ?f - floor))
  (:functions (total-cost) - number
              (trip-slow ?a ?b - floor) - number
              (trip-fast ?a ?b - floor) - number)
  (:action move-slow
    :parameters (?l - slow ?a ?b - floor)
    :precondition (and (at ?l ?a) (stops ?l ?b) (not (= ?a ?b)))
    :effect (and (not (at ?l ?a)) (at ?l ?b) (increase (total-cost) (trip-slow ?a ?b))))
  (:action move-fast
    :parameters (?l - fast ?a ?b - floor)
    :precondition (and (at ?l ?a) (stops ?l ?b) (not (= ?a ?b)))
    :effect (and (not (at ?l ?a)) (at ?l ?b) (increase (total-cost) (trip-fast ?a ?b)) (increase (total-cost) 1)))
  (:action board
    :parameters (?p - passenger ?l - (either slow fast) ?f - floor)
    :precondition (and (at ?l ?f) (waits ?p ?f))
    :effect (and (in ?p ?l) (not (waits ?p ?f)) (increase (total-cost) 0)))
  (:action leave
    :parameters (?p - passenger ?l - lift ?f - floor)
    :precondition (and (at ?l ?f) (in ?p ?l))
    :effect (and (not (in ?p ?l)) (waits ?p ?f))))
