"""Two applications of Rails, written to be hard to read by rule."""

from __future__ import annotations


def controllers(actions: dict[str, str]) -> dict[str, str]:
    """Files of controllers; each action says its own name, as `users#index`."""
    return {
        f"app/controllers/{name}_controller.rb": "class X\n"
        + "".join(f"  def {one}\n    '{name}#{one}'\n  end\n\n" for one in said.split())
        + "end\n"
        for name, said in actions.items()
    }


APPLICATIONS = [
    (
        {
        'config/routes.rb': """Rails.application.routes.draw do
  mount Sidekiq::Web => '/sidekiq'
  devise_for :users
  concern :commentable do
    resources :comments, only: :create
  end
  namespace :api, defaults: { format: :json } do
    namespace :v1 do
      if Rails.env.development?
        get 'debug', to: 'debug#show'
      end
      resources :users, :teams
      resources :posts, except: %i[destroy], concerns: :commentable do
        get :preview, on: :member
        get 'search', on: :collection
        resources :tags, only: [:index]
      end
      resource :profile, only: [:show, :update]
    end
  end
  resources :products, path: 'goods', controller: 'catalog/items', param: :slug
  scope module: 'public' do
    get 'terms', to: 'pages#terms'
  end
  scope '/:locale', locale: /en|nl/ do
    get 'contact' => 'pages#contact', as: :contact
  end
  match '/both', to: 'pages#both', via: [:get, :post]
  get '/health', controller: 'pages', action: 'health'
  get 'photos/:id(.:format)', to: 'pages#photo'
  get '*path', to: 'pages#missing', constraints: lambda { |r| r.x }
  constraints(subdomain: 'api') do
    get 'sub', to: 'pages#sub'
  end
  unless x
    post 'u', to: 'pages#u'
  end
  # get 'dead', to: 'pages#dead'
  get "users/profile"
end
""",
        **controllers({
            'api/v1/debug': 'show',
            'api/v1/users': 'index show update',
            'api/v1/teams': 'index',
            'api/v1/posts': 'index show preview search',
            'api/v1/comments': 'create',
            'api/v1/tags': 'index',
            'api/v1/profiles': 'show update',
            'catalog/items': 'index show',
            'public/pages': 'terms',
            'pages': 'contact both health photo missing sub u',
            'users': 'profile',
        }),
        },
        [
            ('GET', '/api/v1/debug', 'api/v1/debug#show'),
            ('GET', '/api/v1/users', 'api/v1/users#index'),
            ('PUT', '/api/v1/users/3', 'api/v1/users#update'),
            ('GET', '/api/v1/teams', 'api/v1/teams#index'),
            ('GET', '/api/v1/posts/3/preview', 'api/v1/posts#preview'),
            ('GET', '/api/v1/posts/search', 'api/v1/posts#search'),
            ('GET', '/api/v1/posts/3/tags', 'api/v1/tags#index'),
            ('PATCH', '/api/v1/profile', 'api/v1/profiles#update'),
            ('POST', '/api/v1/posts/3/comments', 'api/v1/comments#create'),
            ('GET', '/goods', 'catalog/items#index'),
            ('GET', '/goods/a-b', 'catalog/items#show'),
            ('GET', '/terms', 'public/pages#terms'),
            ('GET', '/nl/contact', 'pages#contact'),
            ('POST', '/both', 'pages#both'),
            ('DELETE', '/both', None),
            ('GET', '/health', 'pages#health'),
            ('GET', '/photos/3', 'pages#photo'),
            ('GET', '/photos/3.json', 'pages#photo'),
            ('GET', '/sub', 'pages#sub'),
            ('POST', '/u', 'pages#u'),
            ('GET', '/users/profile', 'users#profile'),
            ('GET', '/api/v1/users/3.json', 'api/v1/users#show'),
            ('GET', '/what/ever', 'pages#missing'),
        ],
    ),
    (
        {
        'config/routes.rb': """# frozen_string_literal: true

Rails.application.routes.draw do
  authenticate :user, ->(u) { u.admin? } do
    resources :reports, only: :index
  end
  resources(:books, shallow: true) do
    resources :reviews
    member { post :borrow }
    post :return, on: :member
    collection do
      get :popular
      match :search, via: %i[get post]
    end
  end
  get '/login' => 'sessions#new'
  post '/login', to: 'sessions#create', as: :login
  delete :logout, to: 'sessions#destroy'
  resources :users, only: [:show] do
    resource :avatar, only: %i[update destroy], module: :users
  end
  scope path: '/v2', module: :v2, as: 'v2' do
    resources :things,
              only: %i[
                index
              ]
  end
  scope :admin do get 'stats', to: 'stats#all' end
  direct(:x) { 'y' }
  root to: redirect('/books')
end
""",
        **controllers({
            'reports': 'index',
            'books': 'show borrow return popular search',
            'reviews': 'index show',
            'sessions': 'new create destroy',
            'users/avatars': 'update',
            'v2/things': 'index',
            'stats': 'all',
        }),
        },
        [
            ('GET', '/reports', 'reports#index'),
            ('GET', '/books/3', 'books#show'),
            ('POST', '/books/3/borrow', 'books#borrow'),
            ('POST', '/books/3/return', 'books#return'),
            ('GET', '/books/popular', 'books#popular'),
            ('POST', '/books/search', 'books#search'),
            ('GET', '/books/3/reviews', 'reviews#index'),
            ('GET', '/reviews/4', 'reviews#show'),
            ('GET', '/login', 'sessions#new'),
            ('POST', '/login', 'sessions#create'),
            ('DELETE', '/logout', 'sessions#destroy'),
            ('PUT', '/users/3/avatar', 'users/avatars#update'),
            ('GET', '/v2/things', 'v2/things#index'),
            ('GET', '/admin/stats', 'stats#all'),
        ],
    ),
]  # fmt: skip
